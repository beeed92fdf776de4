"""Who can get at a password or a token: servers that are not those they should be, and whoever sits
in between."""

import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from exporter.config.oauth2 import OAuth2Options
from exporter.config.server import ServerOptions
from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.jmap.mailbox import JmapMailbox
from exporter.mailboxes.jmap.options import JmapOptions
from exporter.mailboxes.pop3.mailbox import Pop3Mailbox
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.net.dns.resolver import Resolver
from exporter.net.oauth2 import Accounts
from exporter.senders import SendOptions
from exporter.senders.smtp import SmtpOptions
from tests.support.imap_rig import rig
from tests.support.jmap_server import JmapReply, jmap_server
from tests.support.left_behind import nothing_left_behind
from tests.support.name_server import names
from tests.support.old_tls_server import OLD_VERSIONS, old_context
from tests.support.recording_peers import Listener
from tests.support.sender_rig import make_sender
from tests.support.sending import PATIENCE, new_run, probe_message
from tests.support.wanting import all_of_them

Listening = Callable[..., Listener]
USER, PASSWORD = "monitor", "hunter2"
SECRETS = (
    PASSWORD,
    b64encode(PASSWORD.encode()).decode(),
    b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode(),
)

PLAIN = {
    "smtp": {"EHLO": "250-hello\r\n250 AUTH PLAIN LOGIN"},
    "imap": {"CAPABILITY": "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK"},
    "pop3": {"CAPA": "+OK\r\nUSER\r\nSASL PLAIN\r\nUIDL\r\n."},
}
"""What is offered by a server without TLS, or by somebody in between who takes the offer of it
out."""

OFFERED = {
    "smtp": {"EHLO": "250-hello\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN"},
    "imap": {"CAPABILITY": "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\n{tag} OK"},
    "pop3": {"CAPA": "+OK\r\nSTLS\r\nUSER\r\nSASL PLAIN\r\nUIDL\r\n."},
}
GREETING = {"smtp": "220 hello", "imap": "* OK hello", "pop3": "+OK hello"}
STARTTLS = {"smtp": "STARTTLS", "imap": "STARTTLS", "pop3": "STLS"}
READY = {"smtp": "220 go on", "imap": "{tag} OK go on", "pop3": "+OK go on"}
REFUSED = {"smtp": "454 not now", "imap": "{tag} NO not now", "pop3": "-ERR not now"}
GOOD = {"smtp": "235 welcome", "imap": "{tag} OK welcome", "pop3": "+OK welcome"}
KINDS = list(GREETING)


def visit(kind: str, port: int, *, patience: float = PATIENCE, **options: Any) -> Awaitable[object]:
    """Goes there with the password, for as much as a trip would do."""
    run = new_run(patience)
    given = {"host": "127.0.0.1", "port": port, "username": USER, "password": PASSWORD, **options}
    if kind == "smtp":
        return in_phase(run, make_sender("smtp", given, Resolver()).send(probe_message(), run))
    if kind == "imap":
        imap = ImapMailbox(ImapOptions.model_validate(given), Resolver())
        return in_phase(run, imap.open(run, all_of_them))
    pop3 = Pop3Mailbox(Pop3Options.model_validate(given), Resolver())
    return in_phase(run, pop3.open(run, all_of_them))


async def in_phase(run: Run, action: Awaitable[object]) -> None:
    async with run.phase(Phase.SEND), run.conversation():
        await action


async def refused(visiting: Awaitable[object]) -> Reason:
    with pytest.raises(ProbeError) as caught:
        await visiting
    return caught.value.reason


def assert_untold(server: Listener) -> None:
    heard = bytes(server.heard).decode("latin-1")
    assert server.visits
    assert not any(secret in heard for secret in SECRETS), heard
    assert not any(word in heard for word in ("AUTH", "LOGIN", "USER", "PASS", "MAIL FROM")), heard


def certified(name: str) -> tuple[ssl.SSLContext, trustme.CA]:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context, authority


@pytest.mark.parametrize("options", [{}, {"tls": "starttls"}])
@pytest.mark.parametrize("kind", KINDS)
async def test_tls_taken_away(listener: Listening, kind: str, options: dict[str, Any]) -> None:
    """A password is sent in plain text only with `tls: none`: a server that does not offer TLS,
    refuses it, or whose offer was removed by an attacker on the path, gets neither a login nor
    a message."""
    for answers in (PLAIN[kind], OFFERED[kind] | {STARTTLS[kind]: REFUSED[kind]}):
        server = listener(GREETING[kind], answers, default=GOOD[kind])
        assert await refused(visit(kind, server.port, **options)) is Reason.TLS
        assert_untold(server)


async def test_preauth(listener: Listening) -> None:
    """If an IMAP server claims before TLS that the session is already authenticated, mailtrip
    ignores the claim."""
    server = listener("* PREAUTH hello", OFFERED["imap"], default="{tag} OK")
    assert await refused(visit("imap", server.port, tls="starttls")) is Reason.TLS
    assert_untold(server)


@pytest.mark.parametrize("content", [None, "", "\n", " \r\n", "\ufeff"])
@pytest.mark.parametrize("kind", KINDS)
async def test_empty_secrets(
    listener: Listening, tmp_path: Path, kind: str, content: str | None
) -> None:
    """If a secret is empty or cannot be read, no login is tried; an empty password is never
    sent."""
    if content is not None:
        (tmp_path / "secret").write_text(content)
    server = listener(GREETING[kind], PLAIN[kind], default=GOOD[kind])
    visiting = visit(kind, server.port, password={"file": str(tmp_path / "secret")}, tls="none")
    assert await refused(visiting) is Reason.AUTH
    assert_untold(server)


@pytest.mark.parametrize("options", [ImapOptions, Pop3Options, SmtpOptions])
@pytest.mark.parametrize(
    "text", ["$PW", "${PW}", "%PW%", "env:PW", "/run/secrets/pw", "{file: /run/pw}", "{{ pw }}"]
)
def test_variables(options: type[ServerOptions], text: str) -> None:
    """Text that looks like a variable or a reference to a secret is a configuration error, and
    is not used as a password."""
    with pytest.raises(ValidationError, match="write {file: PATH} or {env: NAME}"):
        options.model_validate({"host": "h", "username": USER, "password": text})


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("kind", KINDS)
async def test_certificates(listener: Listening, tmp_path: Path, kind: str, tls: str) -> None:
    """Inside TLS, a password is sent only to a server whose certificate is valid for the name
    in the configuration, unless `verify: false` is set."""
    for number, (name, trusted) in enumerate((("other.test", True), ("127.0.0.1", False))):
        context, authority = certified(name)
        ca_file = tmp_path / f"{number}.pem"
        (authority if trusted else trustme.CA()).cert_pem.write_to_path(ca_file)
        at_once = tls == "implicit"
        answers = OFFERED[kind] | {STARTTLS[kind]: READY[kind]}
        server = listener(GREETING[kind], answers, default=GOOD[kind], tls=context, at_once=at_once)
        assert await refused(visit(kind, server.port, tls=tls, ca_file=str(ca_file))) is Reason.TLS
        assert_untold(server)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("kind", KINDS)
async def test_old_versions_of_tls(
    listener: Listening, tmp_path: Path, kind: str, tls: str
) -> None:
    """A server that supports nothing newer than TLS 1.1 gets no password, whatever openssl.cnf
    allows, unless `tls_min_version` is set."""
    context, ca_file = old_context(tmp_path, OLD_VERSIONS["TLS11"])
    answers = OFFERED[kind] | {STARTTLS[kind]: READY[kind]}

    def server() -> Listener:
        return listener(
            GREETING[kind], answers, default=REFUSED[kind], tls=context, at_once=tls == "implicit"
        )

    refusing = server()
    assert await refused(visit(kind, refusing.port, tls=tls, ca_file=ca_file)) is Reason.TLS
    assert_untold(refusing)
    told = server()
    options: dict[str, Any] = {"tls": tls, "ca_file": ca_file, "tls_min_version": "TLS11"}
    assert await refused(visit(kind, told.port, **options)) is not Reason.TLS
    heard = bytes(told.heard).decode("latin-1")
    assert any(word in heard for word in ("AUTH", "LOGIN", "USER")), heard


INJECTED = {
    "smtp": "220 go on\r\n250-hello\r\n250 AUTH PLAIN",
    "imap": "{tag} OK go on\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN",
    "pop3": "+OK go on\r\n+OK\r\nUSER\r\n.",
}


@pytest.mark.parametrize("kind", KINDS)
async def test_words_before_tls(listener: Listening, tmp_path: Path, kind: str) -> None:
    """Plain text that follows a server's answer to STARTTLS is not processed as if it came
    inside TLS: the session ends."""
    context, authority = certified("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = listener(GREETING[kind], OFFERED[kind] | {STARTTLS[kind]: INJECTED[kind]}, tls=context)
    assert (
        await refused(visit(kind, server.port, tls="starttls", ca_file=str(tmp_path / "ca.pem")))
        is Reason.TLS
    )
    assert_untold(server)


NOT_OFFERED: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "smtp": ({"EHLO": "250-hello\r\n250 AUTH GSSAPI"}, {}),
    "imap": (
        {"CAPABILITY": "* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI\r\n{tag} OK"},
        {"auth": "login"},
    ),
    "pop3": ({"CAPA": "+OK\r\nUIDL\r\nSASL GSSAPI\r\n."}, {}),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_logins_that_are_not_offered(listener: Listening, kind: str) -> None:
    """mailtrip tries no login mechanism that the server does not offer, or has disabled
    (LOGINDISABLED), unless `auth: user` is set."""
    answers, options = NOT_OFFERED[kind]
    for more in (dict[str, Any](), options):
        server = listener(GREETING[kind], answers, default=GOOD[kind])
        assert await refused(visit(kind, server.port, tls="none", **more)) is Reason.AUTH
        assert_untold(server)


async def test_referrals(listener: Listening) -> None:
    """Login referrals of an IMAP server (RFC 2221) are not followed."""
    other = listener("* OK hello", PLAIN["imap"])
    referral = f"[REFERRAL imap://{USER}@127.0.0.1:{other.port}/]"
    answers = PLAIN["imap"] | {
        "LOGIN": f"{{tag}} NO {referral} go there",
        "SELECT": f"{{tag}} NO {referral} there",
    }
    server = listener("* OK hello", answers, default="{tag} OK")
    assert await refused(visit("imap", server.port, tls="none")) is Reason.AUTH
    assert other.visits == 0


async def test_redirects(listener: Listening, tmp_path: Path) -> None:
    """Redirects of an identity provider are not followed, whatever their status."""
    context, authority = certified("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for status in (
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ):
        other = listener("", tls=context, at_once=True, default="")
        there = f"Location: https://127.0.0.1:{other.port}/token"
        answer = f"HTTP/1.1 {status}\r\n{there}\r\nContent-Length: 0\r\nConnection: close\r\n"
        server = listener("", {"POST": answer}, tls=context, at_once=True, default="")
        accounts = Accounts(Clock())
        given = {
            "token_url": f"https://127.0.0.1:{server.port}/token",
            "client_id": "me",
            "client_secret": PASSWORD,
        }
        options = OAuth2Options.model_validate(given | {"ca_file": str(tmp_path / "ca.pem")})
        async with nothing_left_behind():  # the server has to end its side of TLS
            assert await refused(accounts.of(options, USER).token()) is Reason.PROTOCOL
            await accounts.close()
        assert (server.visits, other.visits) == (1, 0), status


@pytest.mark.parametrize("name", ["apiUrl", "uploadUrl", "downloadUrl", "eventSourceUrl", ""])
async def test_hosts_of_jmap(tmp_path: Path, name: str) -> None:
    """Credentials for JMAP are sent only by HTTPS, and only to the host of `url` and those in
    `hosts`: neither a redirect nor the session resource can send them elsewhere."""
    async with jmap_server(tmp_path) as other, jmap_server(tmp_path) as server:
        for there in (f"https://127.0.0.1:{other.port}/x", f"http://127.0.0.1:{other.port}/x"):
            server.session = {name: there} if name else {}
            if not name:
                server.acts["session"] = JmapReply(307, "", (("Location", there),))
            sender = make_sender("jmap", server.options(), Resolver())
            assert await refused(in_phase(run := new_run(), sender.send(probe_message(), run)))
            mailbox = JmapMailbox(JmapOptions.model_validate(server.options()), Resolver())
            visiting = in_phase(run := new_run(), mailbox.open(run, all_of_them))
            assert await refused(visiting) is Reason.PROTOCOL
        assert other.requests == []
    with pytest.raises(ValidationError, match="https://HOST"):
        JmapOptions.model_validate(server.options(url="http://jmap.example.org"))


@pytest.mark.parametrize(
    "given",
    [
        {"token_url": "http://id.test/token", "client_id": "me", "client_secret": PASSWORD},
        {
            "token_url": "https://me:hunter2@id.test/token",
            "client_id": "me",
            "client_secret": PASSWORD,
        },
    ],
)
def test_token_urls(given: dict[str, str]) -> None:
    """OAuth 2.0 tokens are requested only over HTTPS, and never sent over a connection without
    TLS."""
    with pytest.raises(ValueError, match="https://HOST/PATH"):
        OAuth2Options.model_validate(given)
    oauth2 = given | {"token_url": "https://id.test/token"}
    for options in (ImapOptions, Pop3Options):
        with pytest.raises(ValueError, match="oauth2 needs TLS"):
            options.model_validate(
                {"host": "mx.test", "tls": "none", "username": USER, "oauth2": oauth2}
            )


async def test_exchangers(listener: Listening) -> None:
    """Exchangers, which foreign DNS data can name, never get a login: only `smtp`, `lmtp`,
    `jmap`, `imap` and `pop3` have passwords, each for its own configured server."""
    options = SendOptions.kinds()
    assert [kind for kind in SendOptions.choices if "password" in options[kind].model_fields] == [
        "smtp",
        "lmtp",
        "jmap",
    ]
    usual = dict.fromkeys(("MAIL", "RCPT", "."), "250 ok") | {
        "DATA": "354 go on",
        "QUIT": "221 bye",
    }
    server = listener("220 hello", PLAIN["smtp"] | usual, default="")
    zone = {
        "example.test": {"MX": ["10 mx.example.test."]},
        "mx.example.test": {"A": ["127.0.0.1"]},
    }
    async with names(zone) as resolver:
        run = new_run()
        sender = make_sender("mx", {"port": server.port}, resolver)
        async with run.phase(Phase.SEND):
            await sender.send(probe_message("a@example.test"), run)
    assert b"MAIL FROM" in bytes(server.heard)
    assert b"AUTH" not in bytes(server.heard).partition(b"DATA")[0]


@pytest.mark.parametrize(
    "refusal", ["wrong-password-and-plain-offered", "sasl-ir-and-a-wrong-password"]
)
async def test_a_wrong_password(refusal: str) -> None:
    """A wrong password is sent to an IMAP server only once: another mechanism is tried only if
    the server did not understand the form of the login."""
    options = {"auth": "plain"} if "sasl" in refusal else {}
    async with rig(f"quirks/{refusal}", **options) as here:
        with pytest.raises(ProbeError):
            await here.mailbox.open(here.run, all_of_them)
    async with rig("quirks/login-is-unknown") as here, here.session() as session:
        assert [sighting.raw for sighting in await session.scan()] == [b"hello"]
