"""Where a password could be seen, and is not."""

import os
import re
import resource
import traceback
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from exporter.commands.cli import main
from exporter.config.mistakes import Mistakes
from exporter.config.server import AccessOptions
from exporter.core.model import ProbeError
from exporter.core.timing.clock import Clock
from exporter.mail.tokens import new_key
from exporter.net.dns.resolver import Resolver
from exporter.net.tls.handshake import client_context
from exporter.settings import Settings
from tests.security.conftest import Start
from tests.security.test_requests import fetch
from tests.support.chains import issue, presented
from tests.support.prober_rig import ProberRig
from tests.support.recording_peers import Listener
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send

Listening = Callable[..., Listener]
PASSWORD = "correct-horse-battery"
ENCODED = [b64encode(text.encode()).decode() for text in (PASSWORD, f"\0me\0{PASSWORD}")]
KEY = new_key().hex()

CONFIGURATION = """
state: {{token_key: {key}}}
mailboxes:
  imap: {{imap: {{host: 127.0.0.1, port: {imap}, tls: none, username: me, password: {password}}}}}
  pop3: {{pop3: {{host: 127.0.0.1, port: {pop3}, tls: none, username: me, password: {password}}}}}
modules:
  over-imap: &module
    interval: 1h
    timeout: 2s
    roundtrip: &trip
      from: probe@lab.test
      send: {{smtp: &smtp {{host: 127.0.0.1, port: {smtp}, tls: none, username: me,
          password: {password}}}}}
      mailbox: imap
  over-pop3: {{<<: *module, roundtrip: {{<<: *trip, mailbox: pop3}}}}
  token:
    <<: *module
    roundtrip:
      <<: *trip
      send:
        smtp:
          host: 127.0.0.1
          username: me
          oauth2: {{token_url: "https://127.0.0.1:{smtp}/token", client_id: me,
              client_secret: {password}}}
  list: {{dnsbl: {{lists: [{{zone: "{{key}}.bl.test", key: {password}, name: bl}}]}}}}
probes:
  - {{name: one, module: over-imap, target: a@lab.test}}
  - {{name: two, module: over-pop3, target: a@lab.test}}
  - {{name: three, module: token, target: a@lab.test}}
"""
SAID = {
    "smtp": {
        "EHLO": "250-hello\r\n250 AUTH LOGIN PLAIN",
        "AUTH": f"535 no: {ENCODED[1]} is not {PASSWORD} {ENCODED[0]}",
    },
    "imap": {
        "CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK",
        "LOGIN": f'{{tag}} NO not with LOGIN me "{PASSWORD}", {PASSWORD}',
    },
    "pop3": {"CAPA": "+OK\r\nUSER\r\nUIDL\r\n.", "PASS": f"-ERR not with PASS {PASSWORD}"},
}
GREETINGS = {"smtp": "220 hello", "imap": "* OK hello", "pop3": "+OK hello"}


PIECES = [
    ENCODED[1][:-4],
    ENCODED[1].rstrip("=").lower(),
    PASSWORD.upper(),
    PASSWORD[2:-2],
    quote(PASSWORD, safe=""),
]
LATER = {
    "smtp": {
        "EHLO": "250-hello\r\n250 AUTH PLAIN",
        "AUTH": "235 in",
        "MAIL": "\r\n".join(f"250-{piece}" for piece in PIECES) + "\r\n250 ok",
        "RCPT": (
            "".join(f"550-{ENCODED[1][n : n + 7]}\r\n" for n in range(0, len(ENCODED[1]), 7))
            + "550 no"
        ),
    },
    "imap": {
        "CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK",
        "LOGIN": "{tag} OK [ALERT] " + PASSWORD,
        "SELECT": "".join(f"* OK {piece}\r\n" for piece in PIECES) + "{tag} NO " + PASSWORD[:-1],
    },
    "pop3": {
        "CAPA": "+OK\r\nUSER\r\nUIDL\r\n.",
        "PASS": f"+OK {PASSWORD[3:]}",
        "UIDL": f"-ERR what is PASS {PASSWORD[:-2]}",
    },
}
"""Servers that take the login, and repeat it in pieces later."""


KNOWN = [
    PASSWORD,
    *ENCODED,
    PASSWORD[::-1],
    "-".join(PASSWORD),
    PASSWORD.encode().hex(":"),
    PASSWORD[:-3].upper(),
]
EARLY = {
    "smtp": {
        "EHLO": "\r\n".join(f"250-{word}" for word in KNOWN) + "\r\n250 AUTH PLAIN",
        "AUTH": "235 in",
    },
    "imap": {
        "CAPABILITY": (
            "".join(f"* CAPABILITY {word}\r\n" for word in KNOWN) + "{tag} OK " + PASSWORD
        ),
        "LOGIN": "{tag} NO no",
    },
    "pop3": {"CAPA": f"-ERR {' '.join(KNOWN)}", "USER": f"-ERR {PASSWORD}"},
}
"""Servers that know the password from an earlier session, and say it before the login, with the
greeting as well."""


def configured(listener: Listening, said: dict[str, dict[str, str]] = SAID) -> str:
    """Of a mailtrip whose servers refuse the login and repeat all of it."""
    more = f" {' '.join(KNOWN)}" if said is EARLY else ""
    ports = {
        kind: listener(GREETINGS[kind] + more, said[kind], default="+OK").port for kind in said
    }
    return CONFIGURATION.format(**ports, password=PASSWORD, key=KEY)


def expect_no_secret(text: str) -> None:
    for secret in (PASSWORD, *ENCODED, KEY):
        assert secret not in text, secret
    expect_no_piece(text)


def expect_no_piece(text: str) -> None:
    """Eight characters in a row, whatever their case."""
    own = len(b64encode(b"\0me\0")) - 4  # what begins the word of PLAIN, and is no secret
    for secret in (PASSWORD, ENCODED[0], ENCODED[1][own:]):
        for n in range(len(secret) - 7):
            assert secret[n : n + 8].lower() not in text.lower(), secret


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "form"), [(SAID, "text"), (SAID, "json"), (LATER, "text"), (EARLY, "text")]
)
def test_secrets_while_it_runs(
    start: Start, listener: Listening, tmp_path: Path, said: dict[str, dict[str, str]], form: str
) -> None:
    """No secret appears on a page, in `/config`, `debug=true`, `/sd`, `/metrics`, the log at
    any level, the state, or the process list, even if servers repeat it: from the greeting to
    the end of the session, cut, folded, escaped, in another case or with separators. Eight
    consecutive characters of a password, a token or its base64 are hidden."""
    exporter = start(configured(listener, said), "--log.level", "DEBUG", "--log.format", form)
    for probe in ("one", "two", "three"):
        exporter.wait_for(f'mailtrip_trips_total{{probe="{probe}"}}')
    pages = [
        "/",
        "/config",
        "/metrics",
        "/sd",
        "/trips?probe=one",
        "/trips?probe=two",
        "/trips?probe=three",
    ]
    pages += [
        f"/probe?module={name}&target=a@lab.test&debug=true"
        for name in ("over-imap", "over-pop3", "token")
    ]
    pages += [f"/{trip}" for trip in re.findall(r"trips/[0-9a-f]{14}", exporter.get("/"))]
    pages += [f"/api/v1{trip}" for trip in pages if trip.startswith("/trips/")]
    pages += [
        "/mailboxes/imap",
        "/mailboxes/pop3",
        "/mailboxes",
        "/matrices",
        "/outages",
        "/report",
    ]
    pages += [f"/report?format={form}" for form in ("csv", "json")]
    pages += [f"/api/v1/{name}" for name in ("probes", "trips", "outages", "mailboxes")]
    pages += ["/api/v1/blocklists", "/api/v1/maintenance"]
    told = "".join(exporter.get(page) for page in pages)
    told += fetch(exporter, "/config", Accept="text/html")[2]
    assert len(pages) >= 30
    assert 'id="mailbox-imap"' in told
    assert "&lt;secret&gt;" in told
    assert "password: <secret>" in told
    expect_no_secret(told)
    expect_no_secret(exporter.log.read_text())
    (directory,) = tmp_path.glob("mailtrip-*/state")
    for file in filter(Path.is_file, directory.iterdir()):  # and no socket
        expect_no_secret(file.read_bytes().decode("latin-1"))
    expect_no_secret(Path(f"/proc/{exporter.pid}/cmdline").read_text())


def test_secrets_at_the_command_line(
    listener: Listening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`mailtrip check`, with and without `--try`, `mailtrip probe`, also with `--json`, and
    `mailtrip schema` print no secret."""
    file = tmp_path / "mailtrip.yml"
    file.write_text(configured(listener))

    def mailtrip(*arguments: str) -> str:
        with pytest.raises(SystemExit):
            main(arguments)
        return "".join(capsys.readouterr())

    said, tried, schema = (
        mailtrip("check", str(file)),
        mailtrip("check", "--try", str(file)),
        mailtrip("schema"),
    )
    assert "open/login: auth" in tried
    shown = [
        mailtrip("probe", "--config.file", str(file), *how, "one") for how in ((), ("--json",))
    ]
    assert all("<secret>" in one for one in shown)
    expect_no_secret(said + tried + schema + "".join(shown))


SPOILT = (
    *(
        "[{0}]",
        "{{file: [{0}]}}",
        "{{flie: {0}}}",
        "{{{0}: x}}",
        "{{env: {0}, file: x}}",
        "{{file: {0}",
        "[{0}",
        "{{{0}",
    ),
    *(
        "@{0}",
        "*{0}",
        "&{0}",
        "!{0}",
        "!!int {0}",
        "%{0}",
        "`{0}",
        '"{0}',
        "'{0}",
        "|{0}",
        ">{0}",
        "- {0}",
        "{0}: x",
    ),
    *(
        '"{0}\\q"',
        '"{0}\x07"',
        "{0}\n   x",
        "? {0}",
        "<<: {0}",
        "{0}\n        x: y",
        "!<{0}> x",
        "&{0} *{0}",
    ),
    *(
        "{0}\n\npasword: {0}",
        '"{0}" "{0}"',
        "{0}\x01",
        "{{password: {{password: {0}}}}}",
        "[[{0}], {0}]",
    ),
)


@pytest.mark.parametrize("spoilt", SPOILT)
@pytest.mark.parametrize("key", ["password", "pasword", "tls"])
def test_mistakes_beside_a_secret(spoilt: str, key: str) -> None:
    """An error message about a configuration does not quote a wrong value that may be a
    password, even if it is misspelt, not quoted, or under a wrong key."""
    text = (
        f"mailboxes:\n  m:\n    imap:\n      host: h.test\n      username: me\n      {key}:"
        f" {spoilt.format(PASSWORD)}\n"
    )
    with pytest.raises(Mistakes) as caught:
        Settings.parse(text.encode(), "mailtrip.yml")
    expect_no_secret(str(caught.value))


async def test_secrets_and_the_sendmail_program(tmp_path: Path) -> None:
    """The sendmail program inherits neither mailtrip's environment, where `{env: …}` finds
    passwords, nor its open files; its arguments are options and two addresses."""
    program, seen = tmp_path / "sendmail", tmp_path / "seen"
    program.write_text(
        f'#!/bin/sh\nexec > {seen}\nenv\necho "$@"\nls -l /proc/self/fd\ncat > /dev/null\n'
    )
    program.chmod(0o755)
    os.environ["MAIL_PASSWORD"] = PASSWORD
    with (tmp_path / "token.key").open("w") as key:
        os.set_inheritable(key.fileno(), False)
        try:
            assert (
                await send(
                    make_sender("sendmail", {"path": str(program)}, Resolver()),
                    probe_message(),
                    new_run(),
                )
                is None
            )
        finally:
            del os.environ["MAIL_PASSWORD"]
    text = seen.read_text()
    assert "-i -f probe@lab.test -- someone@example.test" in text
    assert not re.search(r"MAIL_PASSWORD|token\.key|socket:|sqlite", text)
    expect_no_secret(text)


@pytest.mark.slow
def test_crashes(start: Start, tmp_path: Path) -> None:
    """A crash writes no core file, which would contain the passwords: the limit is set to 0,
    whatever it was before."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        exporter = start(CONFIGURATION.format(smtp=1, imap=1, pop3=1, password=PASSWORD, key=KEY))
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    limits = Path(f"/proc/{exporter.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 ", limits, re.MULTILINE)


@pytest.mark.slow
async def test_errors_that_nobody_expected(caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected exception is logged as a traceback, with lines of the program and without
    values; pages and labels show only that it occurred."""
    rig = ProberRig(clock=Clock())

    def broken(raw: bytes) -> list[str]:
        password = PASSWORD
        raise ValueError(f"{len(password)} is wrong")

    rig.sender.says = broken
    outcome = await rig.trip()
    await rig.close()
    assert "in broken" in caplog.text
    expect_no_secret(caplog.text)
    assert outcome.failure
    assert str(outcome.failure) == "send/data: internal: ValueError: see the log"


@pytest.mark.slow
def test_values_that_are_secrets_without_saying_so(start: Start) -> None:
    """Values that only look like secrets are hidden too: a key in the zone of a blocklist, the
    value of a header such as `Authorization`, the query of a `token_url`."""
    exporter = start("""
modules:
  list:
    interval: 1h
    targets: [192.0.2.1]
    dnsbl: {lists: [GEHEIM0123456789.rbl.private.test, Geheim.combined.mail.abusix.zone]}
  trip:
    targets: [a@lab.test]
    roundtrip:
      from: probe@lab.test
      headers: {Authorization: Bearer geheim1, X-Api-Key: geheim2, X-Team: mail}
      send:
        smtp:
          host: 127.0.0.1
          port: 1
          username: me
          oauth2: {token_url: "https://127.0.0.1:1/token?code=geheim3", client_id: me,
              client_secret: geheim4}
      expect: {code: 554}
resolver: {nameservers: ["127.0.0.1:1"], timeout: 100ms}
""")
    exporter.get("/probe?module=trip&target=a@lab.test")
    exporter.get("/probe?module=list&target=192.0.2.1")
    pages = [
        "/",
        "/config",
        "/metrics",
        "/probe?module=list&target=192.0.2.1",
        "/trips?module=list&target=192.0.2.1",
        "/api/v1/blocklists",
        "/api/v1/trips",
        "/api/v1/probes",
        "/outages",
    ]
    pages += [
        f"/probe?module={module}&debug=true"
        for module in ("list&target=192.0.2.1", "trip&target=a@lab.test")
    ]
    shown = [exporter.get(path) for path in pages] + [exporter.log.read_text()]
    of_browsers = ("/config", "/blocklists/combined.mail.abusix.zone", "/blocklists/x")
    shown += [fetch(exporter, path, Accept="text/html")[2] for path in of_browsers]
    assert "abusix.zone</h1>" in shown[-2]
    assert "known: " in shown[-1]
    assert not [text for text in shown if "geheim" in text.lower()]
    assert "X-Team: mail" in shown[1]
    assert "combined.mail.abusix.zone" in shown[0]


@pytest.mark.parametrize("password", [None, "hunter2-wrong", "hunter2-right"])
@pytest.mark.parametrize("whose", ["its own", "another", "none"])
def test_keys_of_client_certificates(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, password: str | None, whose: str
) -> None:
    """Neither the text of a private key nor its password appears in an error, the log or the
    transcript, whatever is wrong with the files of a client certificate."""
    identity = issue("probe")
    given: dict[str, object] = {**presented(identity, tmp_path), "key_password": password}
    key = {"its own": identity.key, "another": issue("another").key}.get(whose, identity.key)
    encryption = BestAvailableEncryption(b"hunter2-right")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    (tmp_path / "client.key").write_bytes(pem[:90] if whose == "none" else pem)
    options = AccessOptions.model_validate({"client_certificate": given})
    told = repr(options) + options.model_dump_json()
    try:
        client_context(options)
    except ProbeError as error:
        told += "".join(traceback.format_exception(error))
    else:
        assert (whose, password) == ("its own", "hunter2-right")
    told += caplog.text
    assert "hunter2" not in told
    assert not any(line in told for line in pem.decode().splitlines()[1:-1])
