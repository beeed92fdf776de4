"""Line breaks, terminal sequences and characters that turn text around: what strangers and servers
cannot bring in."""

import json
import logging
import os
import pty
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from exporter.config.mistakes import Mistakes
from exporter.core.logs import log_to_stderr
from exporter.net.dns.resolver import Resolver
from exporter.settings import Settings
from tests.security.conftest import Start
from tests.security.test_requests import probe
from tests.support import virtual_time as virtual
from tests.support.mailtrip_process import Exporter
from tests.support.prober_rig import ProberRig
from tests.support.recording_peers import Listener
from tests.support.sender_rig import make_sender
from tests.support.sending import MESSAGES, new_run, probe_message, send
from tests.support.smtp_witness import BARE, witness

pytestmark = pytest.mark.slow

Listening = Callable[..., Listener]
HARMFUL = "\x1b]0;owned\x07\x1b[2J\x9b31m\0\r\x0b\x0c\x7f\x85\u2028\u2029\u202e\u2066\u200f\u061c"
# And a bare byte of C1.
EVIL = HARMFUL.encode().decode("latin-1") + "\x9b31m evil 2026-01-01T00:00:00Z ERROR forged"
UNWANTED = re.compile(f"[{''.join(char for char in HARMFUL if char not in '[]0;owned2J31m')}]")

CONFIGURATION = """
mailboxes:
  monitor: {{imap: {{host: 127.0.0.1, port: {imap}, tls: none, username: me, password: x}}}}
modules:
  evil:
    interval: 1h
    targets: ["*@lab.test"]
    roundtrip:
      {{from: probe@lab.test, send: {{smtp: {{host: 127.0.0.1, port: {smtp}, tls: none}}}},
          mailbox: monitor}}
probes:
  - {{name: evil, module: evil, target: a@lab.test}}
"""


def evil(listener: Listening) -> str:
    """Of a mailtrip whose servers have nothing good to say."""
    smtp = listener(f"220 {EVIL}", {"EHLO": f"250-{EVIL}\r\n250 {EVIL}", "RCPT": f"550 {EVIL}"})
    imap = listener(f"* OK {EVIL}", {"LOGIN": f"{{tag}} NO [{EVIL}] {EVIL}"}, default="{tag} OK")
    return CONFIGURATION.format(smtp=smtp.port, imap=imap.port)


PLACES = {
    "from": "from: {0}, send: {{mx: {{}}}}, mailbox: m",
    "to": "from: a@lab.test, to: {0}, send: {{mx: {{}}}}, mailbox: m",
    "subject": "from: a@lab.test, subject: {0}, send: {{mx: {{}}}}, mailbox: m",
    "the name of a header": (
        "from: a@lab.test, headers: {{ {0}: x }}, send: {{mx: {{}}}}, mailbox: m"
    ),
    "a header": "from: a@lab.test, headers: {{ X-Team: {0} }}, send: {{mx: {{}}}}, mailbox: m",
    "ehlo_name": "from: a@lab.test, send: {{mx: {{ehlo_name: {0}}}}}, mailbox: m",
    "host": "from: a@lab.test, send: {{smtp: {{host: {0}}}}}, mailbox: m",
    "server_name": "from: a@lab.test, send: {{mx: {{server_name: {0}}}}}, mailbox: m",
    "trusted_authserv_id": (
        "from: a@lab.test, trusted_authserv_id: {0}, send: {{mx: {{}}}}, mailbox: m"
    ),
}
HARMLESS = {"from": "a@lab.test", "to": "a@lab.test", "the name of a header": "X-Other"}


@pytest.mark.parametrize("place", PLACES)
def test_header_injection(place: str) -> None:
    """A configuration value that becomes part of a header or a command must not contain a line
    break, a zero byte or another control character: `mailtrip check` reports it."""
    text = "mailboxes: {{m: {{maildir: {{path: /m}}}}}}\nmodules:\n  x: {{roundtrip: {{{0}}}}}\n"
    harmless = HARMLESS.get(place, "mx.test")
    Settings.parse(text.format(PLACES[place].format(json.dumps(harmless))).encode(), "mailtrip.yml")
    for char in "\r\n\0\x1b\x7f\u2028\u202e":
        for spoilt in (
            f"{harmless}{char}Bcc: you@example.com",
            f"{harmless}{char}",
            f"{char}{harmless}",
        ):
            with pytest.raises(Mistakes):
                Settings.parse(
                    text.format(PLACES[place].format(json.dumps(spoilt))).encode(), "mailtrip.yml"
                )


@pytest.mark.parametrize("what", MESSAGES)
async def test_smuggling_out(what: str) -> None:
    """Messages that mailtrip sends have no bare line ends, and no line with a single dot except
    the last: no server can interpret a part of one as a second message."""
    async with witness() as server:
        message = probe_message()
        sender = make_sender(
            "smtp", {"host": "127.0.0.1", "port": server.port, "tls": "none"}, Resolver()
        )
        message = type(message)(message.sender, message.recipient, MESSAGES[what])
        assert await send(sender, message, new_run()) is None
        wire = server.wire.partition(b"DATA\r\n")[2]
    assert not BARE.search(wire.replace(bytes(range(128, 256)), b""))
    assert wire.count(b"\r\n.\r\n") == 1
    assert wire.endswith(b"\r\n.\r\nQUIT\r\n")
    assert server.received[0].raw == MESSAGES[what]


def exporter_with_evil_target(start: Start, listener: Listening, *flags: str) -> Exporter:
    exporter = start(evil(listener), *flags)
    exporter.wait_for('mailtrip_trips_total{probe="evil"}')
    probe(exporter, "evil", f"{HARMFUL}@lab.test")
    return exporter


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_injection(start: Start, listener: Listening, form: str) -> None:
    """One event is one line of the log, without control characters and without characters that
    change the text direction, whatever servers and requests contain; in JSON it is one object."""
    exporter = exporter_with_evil_target(
        start, listener, "--log.level", "DEBUG", "--log.format", form
    )
    lines = exporter.log.read_text().split("\n")[3 if form == "text" else 0 : -1]
    assert any("evil" in line for line in lines)
    for line in lines:
        assert not UNWANTED.search(line), line
        assert form == "json" or re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Z]+ ", line), line
        assert form == "text" or json.loads(line)["msg"]


@contextmanager
def logging_anew() -> Iterator[None]:
    """The root logger as the program finds it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:], root.level = handlers, level


def test_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback in the log is indented and cleaned in the same way: an exception that repeats
    foreign text cannot forge an event."""
    with logging_anew():
        log_to_stderr("INFO")
        try:
            raise ValueError(f"{HARMFUL}\n2026-01-01T00:00:00Z ERROR forged")
        except ValueError:
            logging.exception("a bug%s", HARMFUL)
    lines = capsys.readouterr().err.split("\n")
    assert not UNWANTED.search("".join(lines))
    assert "forged" in lines[-2]
    assert all(line.startswith("  ") for line in lines[1:-1])


def in_a_terminal(*arguments: str) -> bytes:
    """What a command writes to a terminal that it takes for a real one."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "exporter", *arguments])
    written = bytearray()
    with suppress(OSError):  # EIO: the other side is closed
        while piece := os.read(terminal, 65536):
            written += piece
    os.close(terminal)
    os.waitpid(pid, 0)
    return bytes(written)


def test_terminals(listener: Listening, tmp_path: Path) -> None:
    """Text from a server cannot move the cursor of a terminal, set its title or colours, or
    change the text direction, in `mailtrip probe` and `mailtrip check --try`."""
    file = tmp_path / "mailtrip.yml"
    file.write_text(evil(listener))
    for arguments in (("probe", "--config.file", str(file), "evil"), ("check", "--try", str(file))):
        written = in_a_terminal(*arguments)
        assert b"evil" in written, arguments
        assert not re.search(
            rb"owned\x07|\x1b\][^8]|\x1b\[2J|\x9b|\0|\x0b|\x0c|\x7f",
            written.replace(b"\xc2\x9b", b"\x9b"),
        )
        text = written.decode()
        assert not re.search("[\x80-\x9f\u2028\u2029\u202e\u2066\u200f\u061c]", text)


def test_pages(start: Start, listener: Listening) -> None:
    """The same applies to pages, `/probe`, `/metrics` and the answers to refused requests."""
    exporter = exporter_with_evil_target(start, listener)
    (trip,) = set(re.findall(r"trips/[0-9a-f]{14}", exporter.get("/")))
    paths = ["/", f"/{trip}", "/metrics", "/probe?module=evil&target=a@lab.test&debug=true"]
    texts = [exporter.get(path) for path in paths]
    texts += [
        probe(exporter, HARMFUL, "a@lab.test")[1],
        probe(exporter, "evil", f"{HARMFUL}@lab.test")[1],
    ]
    assert sum("evil" in text for text in texts) >= 3
    for text in texts:
        assert not UNWANTED.search(text), text


NO_TEXT = {
    "SMTP": ({"EHLO": "250-hello\r\n250 AUTH \xff\xed\xa0\x80"}, {}),
    "IMAP": (
        {"EHLO": "250 AUTH PLAIN"},
        {
            "LOGIN": "{tag} OK [CAPABILITY IMAP4rev1] \xff",
            "LIST": (
                '* LIST () "/" "\xff\xed\xa0\x80"\r\n* LIST (\\Junk) "/"'
                ' "\xff\x1b]0;owned\x07"\r\n{tag} OK'
            ),
            "SELECT": "{tag} NO [\xff] \xff",
        },
    ),
}


@pytest.mark.parametrize("server", NO_TEXT)
def test_what_is_no_text(start: Start, listener: Listening, server: str) -> None:
    """Bytes from a server that are not valid text, or incomplete, break no page and leave no
    trip without a result."""
    said, shown = NO_TEXT[server]
    smtp, imap = listener("220 hello", said), listener("* OK hello", shown, default="{tag} OK")
    text = CONFIGURATION.format(smtp=smtp.port, imap=imap.port)
    text = text.replace("password: x}", 'password: x, folders: ["\\\\Junk"]}')
    exporter = start(
        text.replace(", tls: none}}, mailbox", ", tls: none, username: me, password: x}}, mailbox")
    )
    exporter.wait_for('mailtrip_trips_total{probe="evil"}')
    (trip,) = set(re.findall(r"trips/[0-9a-f]{14}", exporter.get("/")))
    assert "FAILED" in exporter.get("/probe?module=evil&target=a@lab.test&debug=true")
    assert exporter.get(f"/{trip}")
    assert "Traceback" not in exporter.log.read_text()


@virtual.on_a(ProberRig)
async def test_names_of_folders(rig: ProberRig) -> None:
    """The name of a folder, which a server can choose, has at most 100 characters in a label,
    all of them harmless."""
    rig.mailbox.folder = f"{HARMFUL}\udcff{'x' * 500}"
    outcome = await rig.trip()
    assert outcome.success
    (series,) = (name for name in rig.series() if name.startswith("mailtrip_arrival_info"))
    assert not UNWANTED.search(series)
    assert len(re.findall("x+…", series)[0]) < 100
    assert await rig.store.outcome(outcome.trip) == outcome
