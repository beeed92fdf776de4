"""Events: parsed in pieces of any size, and bounded."""

import json

import pytest

from exporter.core.model import ProbeError
from exporter.net.jmap.events import LONGEST_EVENT, EventParser, state_of

STREAM = (
    b": a comment\r\nevent: ping\r\ndata: {}\r\n\r\n"
    b"event: state\nid: 7\ndata: {\ndata: }\n\n"
    b"data:no name\n\nretry: 3\n\n"
)
EVENTS = [("ping", "{}"), ("state", "{\n}"), ("message", "no name")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_is_parsed_in_pieces_of_any_size(size: int) -> None:
    parser = EventParser("host")
    pieces = (STREAM[start : start + size] for start in range(0, len(STREAM), size))
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


@pytest.mark.parametrize("line", [b"x" * 1000, b"data: " + b"x" * 1000 + b"\n", b"data:\n" * 1000])
def test_an_event_without_end_is_given_up(line: bytes) -> None:
    parser = EventParser("host")
    with pytest.raises(ProbeError, match="64 KiB"):
        for _ in range(LONGEST_EVENT // 1000 + 2):
            list(parser.feed(line))


def change(**changed: object) -> str:
    return json.dumps({"@type": "StateChange", "changed": changed})


@pytest.mark.parametrize(
    ("kind", "data", "state"),
    [
        ("state", change(a={"Email": "s2", "Mailbox": "m"}), "s2"),
        ("state", change(b={"Email": "s2"}), ""),
        ("state", change(a={"Mailbox": "m"}), ""),
        ("state", change(a={"Email": 7}), ""),
        ("state", change(a=[]), ""),
        ("ping", change(a={"Email": "s2"}), ""),
        ("state", "[", ""),
        ("state", "[" * 60000, ""),
        ("state", "7", ""),
    ],
)
def test_only_a_state_of_our_account_is_news(kind: str, data: str, state: str) -> None:
    assert state_of(kind, data, "a", "Email") == state
