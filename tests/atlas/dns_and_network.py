"""Faults of names and of the network, on the way to the relay and to the mailbox."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.atlas.table import Changes, Fault, Known, Make, given, opening, send
from tests.atlas.world import World
from tests.support.name_server import Zone
from tests.support.proxies import tinyproxy
from tests.support.smtp_witness import Act, Cut, Drip, Freeze, Stage

ELSEWHERE = {
    "host": "127.0.0.1",
    "tls": "none",
    "ca_file": None,
    "username": None,
    "password": None,
}
"""A server of our own in the place of the relay: no TLS, no login."""


def names(zone: Zone, part: str, **options: object) -> Make:
    """A name server that knows these names alone; the other leg needs none."""

    async def make(world: World) -> Changes:
        changes: dict[str, dict[str, object]] = {"resolver": await world.names(zone)}
        changes["imap"] = {"host": world.lab.imap_ip}
        if part == "mx":
            return {**changes, "send": {"mx": {}}, "roundtrip": options}
        return {**changes, part: options}

    return make


def misbehaving(stage: Stage, act: Callable[[], Act], **options: object) -> Make:
    """A server in the place of the relay that misbehaves at this stage."""

    async def make(world: World) -> Changes:
        witness = await world.witness(stage, act())
        return {"smtp": {**ELSEWHERE, "port": witness.port, **options}}

    return make


def with_login(stage: Stage, act: Callable[[], Act]) -> Make:
    return misbehaving(stage, act, username="probe", password="labpass")


async def full(world: World) -> Changes:
    """Connections to a socket whose queue is full are not answered, as behind a firewall that drops
    them."""
    listening = world.stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    address = listening.getsockname()
    for _ in range(3):
        one = world.stack.enter_context(socket.socket())
        one.setblocking(False)
        one.connect_ex(address)
    await asyncio.sleep(0)
    return {"smtp": {**ELSEWHERE, "port": address[1]}}


async def nobody_asked(world: World) -> Changes:
    """A nameserver that is not there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    return {"resolver": {"nameservers": [f"127.0.0.1:{port}"]}, "imap": {"host": world.lab.imap_ip}}


def through(running: Callable[[World], AbstractContextManager[str]], **options: object) -> Make:
    """The relay is behind a real proxy."""

    async def make(world: World) -> Changes:
        place = world.stack.enter_context(running(world))
        return {"smtp": {"host": world.lab.relay_ip, "proxy": f"http://{place}", **options}}

    return make


RESOLVE = Step.RESOLVE

DNS = (
    Fault(
        "The relay's name does not exist",
        "an unregistered name",
        send(RESOLVE, Reason.DNS, "NXDOMAIN"),
        Known.AT_ONCE,
        "`dig` the name in `host`",
        given(smtp={"host": "relay.nxdomain.test"}),
    ),
    Fault(
        "The zone of the relay's name is broken",
        "the name server answers SERVFAIL",
        send(RESOLVE, Reason.DNS, "SERVFAIL"),
        Known.AT_ONCE,
        "the zone's name servers, its DNSSEC signatures: `delv`, `dig +cd`",
        names({"relay.lab.test": {"RCODE": ["SERVFAIL"]}}, "smtp"),
    ),
    Fault(
        "The name server refuses our queries",
        "the name server answers REFUSED",
        send(RESOLVE, Reason.DNS, "REFUSED"),
        Known.AT_ONCE,
        "the networks that the name server answers (Unbound: `access-control`),"
        " `resolver.nameservers`",
        names({"relay.lab.test": {"RCODE": ["REFUSED"]}}, "smtp"),
        says="(REFUSED)",
    ),
    Fault(
        "The name server does not answer",
        "a name server that drops every query",
        send(RESOLVE, Reason.DNS, "TIMEOUT"),
        Known.RESOLVER,
        "`resolver.nameservers`, a firewall on port 53, `dig` from this machine",
        given(resolver={"nameservers": ["<silent_dns>"]}, imap={"host": "<imap>"}),
    ),
    Fault(
        "No name server runs at the configured address",
        "a port on which nothing listens",
        send(RESOLVE, Reason.DNS, "TIMEOUT"),
        Known.RESOLVER,
        "whether the local resolver runs",
        nobody_asked,
    ),
    Fault(
        "The recipient's domain does not exist",
        "an unregistered domain",
        send(RESOLVE, Reason.DNS, "NXDOMAIN"),
        Known.AT_ONCE,
        "whether the domain has expired: `whois`",
        given(send={"mx": {}}, roundtrip={"to": "probe@nxdomain.test"}),
    ),
    Fault(
        "The recipient's domain has neither an exchanger nor an address",
        "a domain with only a TXT record",
        send(RESOLVE, Reason.DNS),
        Known.AT_ONCE,
        "the MX record: `dig MX`",
        names({"example.test": {"TXT": ["x"]}}, "mx", to="x@example.test"),
    ),
    Fault(
        "The recipient's domain accepts no mail",
        "a null MX (RFC 7505)",
        send(RESOLVE, Reason.NULL_MX),
        Known.AT_ONCE,
        "the MX record: `dig MX`",
        given(send={"mx": {}}, roundtrip={"to": "probe@nullmx.test"}),
    ),
    Fault(
        "The only exchanger of the domain does not exist",
        "an MX record with a name that is NXDOMAIN",
        send(RESOLVE, Reason.DNS, "NXDOMAIN"),
        Known.AT_ONCE,
        "the name in the MX record",
        names({"example.test": {"MX": ["10 gone.example.test."]}}, "mx", to="x@example.test"),
    ),
    Fault(
        "The domain's name servers do not answer the MX query",
        "SERVFAIL for the MX record",
        send(RESOLVE, Reason.DNS, "SERVFAIL"),
        Known.AT_ONCE,
        "the domain's name servers, DNSSEC",
        names({"example.test": {"RCODE": ["SERVFAIL"]}}, "mx", to="x@example.test"),
    ),
    Fault(
        "The mailbox server's name does not exist",
        "an unregistered name",
        opening(RESOLVE, Reason.DNS, "NXDOMAIN"),
        Known.SESSION,
        "`dig` the name in `host`",
        given(imap={"host": "imap.nxdomain.test"}),
    ),
    Fault(
        "The name server does not answer for the mailbox server",
        "a name server that drops every query",
        opening(RESOLVE, Reason.DNS, "TIMEOUT"),
        Known.SESSION,
        "`resolver.nameservers`, a firewall on port 53",
        given(resolver={"nameservers": ["<silent_dns>"]}, smtp={"host": "<relay>"}),
    ),
)

NETWORK = (
    Fault(
        "The relay is down",
        "an address on which nothing listens",
        send(Step.CONNECT, Reason.CONNECT),
        Known.AT_ONCE,
        "whether the mail server runs and listens on that port",
        given(smtp={"host": "<dead>"}),
    ),
    Fault(
        "There is no route to the relay",
        "an unroutable address",
        send(Step.CONNECT, Reason.CONNECT),
        Known.AT_ONCE,
        "routing, VPN, `ip route get`",
        given(smtp={"host": "224.0.0.1"}),
    ),
    Fault(
        "A firewall drops connections to the relay",
        "a socket that does not answer",
        send(Step.CONNECT, Reason.TIMEOUT),
        Known.SESSION,
        "firewalls on the path; many providers close port 25",
        full,
    ),
    Fault(
        "The source address does not belong to this machine",
        "`source_address` belongs to another machine",
        send(Step.CONNECT, Reason.CONNECT),
        Known.AT_ONCE,
        "`source_address`, `ip address`",
        given(smtp={"source_address": "192.0.2.77"}),
    ),
    Fault(
        "The relay resets connections",
        "it sends a TCP reset instead of a greeting",
        send(Step.GREETING, Reason.DISCONNECTED),
        Known.AT_ONCE,
        "the server's log: TCP wrappers, limits, a crash",
        misbehaving(Stage.GREETING, lambda: Cut(reset=True)),
    ),
    Fault(
        "The relay accepts connections, but sends no greeting",
        "it sends no greeting",
        send(Step.GREETING, Reason.TIMEOUT),
        Known.SESSION,
        "the server's load; a firewall that inspects SMTP",
        misbehaving(Stage.GREETING, Freeze),
        says="no answer from 127.0.0.1 within",
    ),
    *(
        Fault(
            f"The relay hangs at {word}",
            f"it does not reply to {word}",
            send(step, Reason.TIMEOUT),
            Known.SESSION,
            look,
            with_login(stage, Freeze),
        )
        for word, stage, step, look in (
            ("EHLO", Stage.EHLO, Step.EHLO, "its name server: many look up their clients at EHLO"),
            ("AUTH", Stage.AUTH, Step.AUTH, "its password backend: LDAP, SQL, SASL"),
            ("MAIL", Stage.MAIL, Step.MAIL, "its policy services and milters"),
            ("RCPT", Stage.RCPT, Step.RCPT, "its policy services; a callout to the next server"),
            ("DATA", Stage.DATA, Step.DATA, "its queue's disk"),
        )
    ),
    Fault(
        "The relay hangs after the whole message",
        "it does not answer the final dot, and the message is gone",
        send(Step.DATA, Reason.TIMEOUT),
        Known.TIMEOUT,
        "its content filter. The relay may have accepted the message, so mailtrip does not send it"
        " again, but waits for it",
        misbehaving(Stage.DOT, Freeze),
    ),
    *(
        Fault(
            f"The relay cuts the connection at {word}",
            "it closes the connection without an answer",
            send(step, Reason.DISCONNECTED),
            Known.AT_ONCE,
            look,
            misbehaving(stage, Cut),
        )
        for word, stage, step, look in (
            (
                "EHLO",
                Stage.EHLO,
                Step.EHLO,
                "the server's log: it may refuse our name or address",
            ),
            ("RCPT", Stage.RCPT, Step.RCPT, "the server's log: a limit, a crash"),
        )
    ),
    Fault(
        "The relay cuts the connection after the whole message",
        "no answer to the final dot, and the message is gone",
        send(Step.DATA, Reason.DISCONNECTED),
        Known.TIMEOUT,
        "the server's log. The relay may have accepted the message, so mailtrip does not send it"
        " again, but waits for it",
        misbehaving(Stage.DOT, Cut),
    ),
    Fault(
        "The relay's reply never ends",
        "an endless multi-line reply to EHLO",
        send(Step.EHLO, Reason.TIMEOUT),
        Known.SESSION,
        "what listens there: a tar pit, another program",
        misbehaving(Stage.EHLO, Drip),
    ),
    Fault(
        "The mailbox server is down",
        "an address on which nothing listens",
        opening(Step.CONNECT, Reason.CONNECT),
        Known.SESSION,
        "whether the IMAP server runs",
        given(imap={"host": "<dead>"}),
    ),
    Fault(
        "The proxy does not run",
        "`proxy` names a port on which nothing listens",
        send(Step.CONNECT, Reason.CONNECT),
        Known.AT_ONCE,
        "whether the proxy runs; the relay is not asked",
        given(smtp={"proxy": "socks5://<dead>:1080"}),
        says="the proxy socks5://",
    ),
    Fault(
        "The proxy does not allow the port of the relay",
        "tinyproxy with `ConnectPort 443`",
        send(Step.CONNECT, Reason.CONNECT),
        Known.AT_ONCE,
        "the rules of the proxy: many HTTP proxies allow port 443 only",
        through(lambda world: tinyproxy(world.directory, "ConnectPort 443")),
        says="its rules do not allow a connection to",
    ),
    Fault(
        "The proxy requires a login",
        "tinyproxy with `BasicAuth`, and `proxy` without a password",
        send(Step.CONNECT, Reason.CONNECT),
        Known.AT_ONCE,
        "the login in `proxy`",
        through(lambda world: tinyproxy(world.directory, "BasicAuth monitor secret")),
        says="it requires a login",
    ),
    Fault(
        "The proxy cannot reach the relay",
        "tinyproxy, and a relay that is not there",
        send(Step.CONNECT, Reason.CONNECT),
        Known.AT_ONCE,
        "the relay, from the proxy's machine: the firewall in between",
        through(lambda world: tinyproxy(world.directory), host="127.0.0.1", port=9),
        says="it cannot connect to 127.0.0.1:9",
    ),
)
