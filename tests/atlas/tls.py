"""Faults of TLS, on both legs."""

import asyncio
import datetime
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trustme

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.atlas.dns_and_network import ELSEWHERE
from tests.atlas.meddler import Rule
from tests.atlas.table import Changes, Fault, Known, Lever, Make, given, opening, send
from tests.atlas.world import PLAIN, World
from tests.support.smtp_witness import OFFERS, Act, Freeze, Reply, Stage

LOOK = "`openssl s_client -starttls smtp -connect HOST:PORT`"
LOOK_IMAP = "`openssl s_client -connect HOST:993`"


def at_starttls(stage: Stage, act: Callable[[], Act]) -> Make:
    """A server that offers STARTTLS, and goes wrong there."""

    async def make(world: World) -> Changes:
        witness = await world.witness(stage, act(), offers=(*OFFERS, "STARTTLS"))
        return {"smtp": {**ELSEWHERE, "port": witness.port, "tls": "starttls"}}

    return make


def with_certificate(cert_file: str, key_file: str) -> Make:
    """The relay that asks for a client certificate, and no password."""
    files = {"cert_file": cert_file, "key_file": key_file}
    changes = {"port": 2526, "username": None, "password": None, "client_certificate": files}
    return given(smtp=changes)


def by_mta_sts(name: str) -> Make:
    """An exchanger below sts.test, with the policy of its domain."""
    return given(
        send={"mx": {"tls": "mta_sts", "ca_file": "<ca>"}},
        roundtrip={"to": f"probe@{name}.sts.test"},
    )


async def slipped_in(world: World) -> Changes:
    """A real relay behind a proxy that adds a line to what it says in plain text."""
    rule = Rule("^220 .*Ready", "add", "server", "250 2.0.0 and this is not encrypted")
    meddler = await world.meddle(rule, host=world.lab.relay_ip, port=587)
    return {
        "smtp": {
            "host": "127.0.0.1",
            "port": meddler.port,
            "tls": "starttls",
            "server_name": "relay.lab.test",
        }
    }


def secured(prepare: Callable[[ssl.SSLContext, Path], Any], part: str) -> Make:
    """A server with TLS from the start, as `prepare` makes it. The handshake fails, so it never
    says anything."""

    async def make(world: World) -> Changes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        prepare(context, world.directory)

        async def handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """By hand, since asyncio keeps to itself why a handshake fails."""
            heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(heard, said, server_side=True)
            while data := await reader.read(1 << 16):
                heard.write(data)
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    break
                finally:
                    writer.write(said.read())
            writer.close()

        server = await asyncio.start_server(handshake, "127.0.0.1", 0)
        world.stack.callback(server.close)
        return {part: {**PLAIN, "port": server.sockets[0].getsockname()[1], "tls": "implicit"}}

    return make


def self_signed(context: ssl.SSLContext, directory: Path) -> None:
    """A certificate that has signed itself, as programs make one when they are installed."""
    authority = trustme.CA()
    certificate, key = directory / "self.crt", directory / "self.key"
    authority.cert_pem.write_to_path(certificate)
    authority.private_key_pem.write_to_path(key)
    context.load_cert_chain(certificate, key)


def too_old(context: ssl.SSLContext, directory: Path) -> None:
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_1


async def not_valid_yet(world: World) -> Changes:
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    authority = trustme.CA()
    ca = world.directory / "ca.crt"
    authority.cert_pem.write_to_path(ca)

    def prepare(context: ssl.SSLContext, directory: Path) -> None:
        certificate = authority.issue_cert(
            "127.0.0.1", not_before=tomorrow, not_after=tomorrow.replace(year=2100)
        )
        certificate.configure_cert(context)

    changes = await secured(prepare, "smtp")(world)
    return {"smtp": {**changes["smtp"], "ca_file": str(ca)}}


def cut_in_the_handshake(part: str) -> Make:
    async def make(world: World) -> Changes:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)  # the ClientHello
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        world.stack.callback(server.close)
        return {part: {**PLAIN, "port": server.sockets[0].getsockname()[1], "tls": "implicit"}}

    return make


TLS = (
    Fault(
        "The file of our client certificate is not there",
        "`cert_file` names no file",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "the path, and who may read it; `mailtrip check`",
        with_certificate("<directory>/none.crt", "<directory>/none.key"),
        says="cannot read cert_file",
    ),
    Fault(
        "The key is not that of our client certificate",
        "the key of another certificate",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "`cert_file` and `key_file`: was only one of them renewed?",
        with_certificate("<lab>/etc/tls/idp.crt", "<lab>/etc/tls/policies.key"),
        says="does not belong to the certificate",
    ),
    Fault(
        "The relay does not know our client certificate",
        "a certificate whose fingerprint is not in `relay_clientcerts`",
        send(Step.RCPT, Reason.REJECTED, "554"),
        Known.AT_ONCE,
        "`relay_clientcerts`; the fingerprint in the transcript",
        with_certificate("<lab>/etc/tls/policies.crt", "<lab>/etc/tls/policies.key"),
    ),
    Fault(
        "The relay's certificate has expired",
        "real servers show an expired certificate",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        f"the renewal (certbot) and whether the server was reloaded; {LOOK}",
        given(imap={"port": 143, "tls": "none", "ca_file": None}),
        Lever.CERTIFICATES,
        says="has expired",
    ),
    Fault(
        "The mailbox server's certificate has expired",
        "real servers show an expired certificate",
        opening(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        f"the renewal and whether the server was reloaded; {LOOK_IMAP}",
        given(smtp={"port": 25, "tls": "none", "username": None, "password": None}),
        Lever.CERTIFICATES,
    ),
    Fault(
        "The relay's certificate is not valid yet",
        "it is valid from tomorrow",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "this machine's clock, then the certificate's dates",
        not_valid_yet,
        says="not yet valid",
    ),
    Fault(
        "The relay's certificate is from an untrusted CA",
        "the lab's own CA, without `ca_file`",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        f"an incomplete chain at the server, or a missing `ca_file`; {LOOK}",
        given(smtp={"ca_file": None}),
    ),
    Fault(
        "The mailbox server's certificate is from an untrusted CA",
        "the lab's own CA, without `ca_file`",
        opening(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        f"its chain, or a missing `ca_file`; {LOOK_IMAP}",
        given(imap={"ca_file": None}),
    ),
    Fault(
        "The relay's certificate is self-signed",
        "a server with such a certificate",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "whether the server lost its configuration in an upgrade",
        secured(self_signed, "smtp"),
        says="self-signed",
    ),
    Fault(
        "The relay's certificate is for another name",
        "a real server under a name that is not in its certificate",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        f"the names in it; {LOOK}",
        given(smtp={"server_name": "smtp.other.test"}),
        says="Hostname mismatch",
    ),
    Fault(
        "The mailbox server's certificate is for another name",
        "a real server under a name that is not in its certificate",
        opening(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        f"the names in it; {LOOK_IMAP}",
        given(imap={"server_name": "imap.other.test"}),
    ),
    Fault(
        "The relay supports only old versions of TLS",
        "a server that supports nothing above TLS 1.1",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "the server's TLS settings, its age",
        secured(too_old, "smtp"),
        says="protocol version",
    ),
    Fault(
        "The mailbox server supports only old versions of TLS",
        "a server that supports nothing above TLS 1.1",
        opening(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "the server's TLS settings, its age",
        secured(too_old, "imap"),
    ),
    Fault(
        "The relay cuts the connection in the handshake",
        "it closes the connection after the ClientHello",
        send(Step.TLS, Reason.DISCONNECTED),
        Known.AT_ONCE,
        "the server's log: often it cannot read its key",
        cut_in_the_handshake("smtp"),
    ),
    Fault(
        "The mailbox server cuts the connection in the handshake",
        "it closes the connection after the ClientHello",
        opening(Step.TLS, Reason.DISCONNECTED),
        Known.SESSION,
        "the server's log: often it cannot read its key",
        cut_in_the_handshake("imap"),
    ),
    Fault(
        "The relay hangs in the handshake",
        "it sends nothing after its 220 to STARTTLS",
        send(Step.TLS, Reason.TIMEOUT),
        Known.SESSION,
        "the server's load and entropy; a firewall that inspects TLS",
        at_starttls(Stage.TLS, Freeze),
    ),
    Fault(
        "The relay does not offer STARTTLS",
        "a real server without it, and `tls: starttls`",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "the server's TLS settings; a firewall (Cisco) that hides it",
        given(smtp={"port": 2587}),
        says="does not offer STARTTLS",
    ),
    Fault(
        "The relay refuses STARTTLS",
        "`454 4.7.0` to STARTTLS",
        send(Step.TLS, Reason.TLS, "454"),
        Known.AT_ONCE,
        "the server's log: its key or certificate cannot be read",
        at_starttls(
            Stage.STARTTLS, lambda: Reply("454 4.7.0 TLS not available due to local problem")
        ),
    ),
    Fault(
        "Plain text arrives before the TLS handshake",
        "more text after the 220 to STARTTLS (CVE-2011-0411)",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "proxies, firewalls, or an attacker on the path",
        slipped_in,
        says="sent plain text",
    ),
    Fault(
        "Implicit TLS is used on a port for STARTTLS",
        "`tls: implicit` on port 587",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "`port` and `tls` of the sender",
        given(smtp={"tls": "implicit"}),
        says="wrong version number",
    ),
    Fault(
        "STARTTLS is used on a port for implicit TLS",
        "`tls: starttls` on port 465: both sides wait",
        send(Step.GREETING, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`port` and `tls` of the sender",
        given(smtp={"port": 465, "tls": "starttls"}),
        says="use `tls: implicit`",
    ),
    Fault(
        "The exchanger's certificate was renewed without its TLSA record",
        "a signed zone with the record of another key, and `tls: dane`",
        send(Step.TLS, Reason.POLICY),
        Known.AT_ONCE,
        "the text has the record that is missing; `posttls-finger -l dane DOMAIN`",
        given(send={"mx": {"tls": "dane"}}, roundtrip={"to": "probe@renewed.dane.test"}),
        says="if it was renewed, publish 3 1 1 ",
    ),
    Fault(
        "The TLSA records of the exchanger are badly signed",
        "a record that was changed after it was signed, and `tls: dane`",
        send(Step.RESOLVE, Reason.DNS, "SERVFAIL"),
        Known.AT_ONCE,
        "the zone's signatures: `delv`, `dig +cd`",
        given(send={"mx": {"tls": "dane"}}, roundtrip={"to": "probe@bogus.dane.test"}),
    ),
    Fault(
        "The exchanger is not in the domain's MTA-STS policy",
        "a policy that names another exchanger, and `tls: mta_sts`",
        send(Step.TLS, Reason.POLICY),
        Known.AT_ONCE,
        "the text has the exchangers of the policy: add the new one, and change the `id`",
        by_mta_sts("elsewhere"),
        says="mx.elsewhere.sts.test is not in the MTA-STS policy of elsewhere.sts.test",
    ),
    Fault(
        "An MTA-STS policy is enforced, and the exchanger's certificate has expired",
        "an exchanger with an expired certificate, and `tls: mta_sts`",
        send(Step.TLS, Reason.POLICY),
        Known.AT_ONCE,
        "why the certificate was not renewed; who follows the policy keeps the mail back",
        by_mta_sts("expired"),
        says="and the policy (mta_sts) forbids going on",
    ),
    Fault(
        "An MTA-STS policy is enforced, and the exchanger offers no TLS",
        "an exchanger without STARTTLS, and `tls: mta_sts`",
        send(Step.TLS, Reason.POLICY),
        Known.AT_ONCE,
        "the server's TLS settings; a firewall that hides STARTTLS",
        by_mta_sts("plain"),
        says="does not offer STARTTLS",
    ),
    Fault(
        "The file with the trusted CA certificates cannot be read",
        "`ca_file` does not exist",
        send(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "`ca_file`",
        given(smtp={"ca_file": "<directory>/none.crt"}),
        says="cannot read ca_file",
    ),
)
