"""Whether all of a message is there."""

import pytest

from exporter.mail.message import Kind, Reading, read
from exporter.mail.tokens import Mint
from exporter.mailboxes.completeness import is_complete
from tests.support.watcher_rig import message

NOTHING = Reading({}, Kind.MESSAGE)
COMPLETE = [
    b"From: a\r\nSubject: b\r\n\r\nc",
    b"From: a@example.org\nSubject: b\n\nc",
    b"From a@example.org Mon\nSubject: b\n\nc\n",
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\na\r\n--x--\r\n',
    b"Content-Type: multipart/mixed;\r\n boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--",
]
INCOMPLETE = [
    b"",
    b"F",
    b"\r\n",
    b"\r\n\r\n",
    b"From: a@example.org\r\nSubject: b",
    b"From: a@example.org\r\nSubject: b\r\n",
    b"From: a@example.org\r\nSubject: b\r\n\r\n",
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\na\r\n--x',
    b"Content-Type: multipart/mixed;\r\n boundary=x\r\n\r\n--x\r\n\r\na\r\n",
]


@pytest.mark.parametrize("raw", COMPLETE)
def test_a_message_with_header_and_text_is_complete(raw: bytes) -> None:
    assert is_complete(raw, NOTHING, None)


@pytest.mark.parametrize("raw", INCOMPLETE)
def test_the_beginning_of_one_is_not(raw: bytes) -> None:
    assert not is_complete(raw, NOTHING, None)


def test_ours_is_complete_with_its_last_line() -> None:
    token = Mint(b"k" * 32).mint(0)
    raw = message(token)
    assert is_complete(raw, read(raw), token)
    assert not is_complete(raw[:-4], read(raw[:-4]), token)
