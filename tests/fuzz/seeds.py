"""Where fuzzing begins: our own samples, and what the servers say in our dialogues."""

from collections.abc import Iterator
from pathlib import Path

from exporter.mail.composition import Content, compose
from tests.fuzz.targets import SENT_AT, TOKEN
from tests.mail.notices import arrived, expected

TESTS = Path(__file__).parent.parent
PLAIN = compose(TOKEN, "probe@example.org", "someone@example.net", SENT_AT, Content()).raw
NOTICE = (
    b"Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822;"
    b" someone@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550"
    b" 5.1.1\r\n unknown\r\n"
)


def _wrapped(kind: bytes, inner: bytes) -> bytes:
    head = b"Subject: Fwd: =?utf-8?Q?a?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/" + kind
    return head + b"; boundary=b\r\n\r\n--b\r\n\r\nwords\r\n--b\r\n" + inner + b"\r\n--b--\r\n"


def _messages() -> Iterator[bytes]:
    yield PLAIN
    yield _wrapped(b"mixed", b"Content-Type: message/rfc822\r\n\r\n" + PLAIN)
    yield _wrapped(b"report", b"Content-Type: message/delivery-status\r\n\r\n" + NOTICE)
    for encoding in (b"base64", b"quoted-printable"):
        yield PLAIN.replace(
            b"Content-Transfer-Encoding: 7bit", b"Content-Transfer-Encoding: " + encoding
        )


def _headers() -> Iterator[bytes]:
    for sample in sorted((TESTS / "mail" / "headers").glob("*.txt")):
        yield sample.read_bytes().partition(b"----\n")[0]


def _dialogues(protocol: str) -> Iterator[bytes]:
    for dialogue in sorted((TESTS / "net" / protocol / "dialogues").rglob("*.txt")):
        lines = dialogue.read_bytes().splitlines()
        yield b"".join(line[3:] + b"\r\n" for line in lines if line.startswith(b"S: "))


def _untagged(name: bytes) -> Iterator[bytes]:
    """What stands behind the star in these responses of our dialogues."""
    for said in _dialogues("imap"):
        yield b"\n".join(
            line.removeprefix(b"* ").removeprefix(name)
            for line in said.splitlines()
            if line.upper().startswith(b"* " + name)
        )


SEEDS: dict[str, list[bytes]] = {
    "headers": [*_headers(), *_messages()],
    "message": list(_messages()),
    "bounce": [NOTICE, *(arrived(row.file) for row in expected())],
    "imap": list(_dialogues("imap")),
    "imap_list": [line for told in _untagged(b"LIST ") for line in told.splitlines()],
    "imap_untagged": [told for told in _untagged(b"") if told],
    "pop3": list(_dialogues("pop3")),
    "proxy_header": [
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\nEHLO x\r\n",
        b"PROXY UNKNOWN\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(range(1, 13)) + b"EHLO x\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    ],
}
