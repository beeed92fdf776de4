"""The headers of an arrived message, as people get to see them."""

from collections.abc import Callable

import pytest

from exporter.core.facts import ArrivedHeaders
from exporter.core.model import Outcome
from exporter.mail.headers.shown import LEFT_OUT, LONGEST_LINE, MOST_LINES, MOST_TEXT, shown
from exporter.mail.message import headers
from exporter.mail.mime import parse
from tests.lab.client import LabUser
from tests.mail.headers.test_received import WORD
from tests.support import virtual_time as virtual
from tests.support.kept_trips import kept_trips
from tests.support.prober_rig import ProberRig
from tests.trips.test_scenarios import Travel, travel

__all__ = ["travel"]


def shown_headers(outcome: Outcome) -> tuple[str, ...]:
    (fact,) = (fact for fact in outcome.facts if isinstance(fact, ArrivedHeaders))
    return fact.lines


def lines_of(raw: bytes) -> tuple[str, ...]:
    return shown(headers(parse(raw), WORD))


def test_a_header_is_one_clean_line_whatever_was_in_it() -> None:
    raw = "Subject: a\r\n\tb   c\r\nX-Evil: \x1b[31mred\u202e\x00 ü\r\n\r\n".encode()
    assert lines_of(raw) == ("Subject: a b c", "X-Evil: [31mred ü")
    assert lines_of(b"X-Latin: \xfc\r\n\r\n") == ("X-Latin: \ufffd",)


@pytest.mark.parametrize(
    "raw",
    [
        b"X: x\r\n" * 10_000,
        (b"X: " + b"x" * 900 + b"\r\n") * 100,
        b"X: " + b"x" * 10_000_000,
        b"Subject: " + b"\xf0\x9f\x93\xa7" * 10_000,
    ],
    ids=["many", "long", "endless", "beyond ASCII"],
)
def test_headers_are_cut_and_say_so(raw: bytes) -> None:
    lines = lines_of(raw + b"\r\n\r\n")
    assert len(lines) <= MOST_LINES + 1
    assert sum(map(len, lines)) <= MOST_TEXT + len(LEFT_OUT)
    assert max(map(len, lines)) <= LONGEST_LINE
    assert lines[-1] == LEFT_OUT or lines[-1].endswith("…")


@virtual.on_a(ProberRig)
async def test_a_trip_keeps_the_headers_with_which_its_message_arrived(rig: ProberRig) -> None:
    rig.sender.on_the_way = lambda raw: b"X-Spam-Flag: NO\r\n" + raw
    outcome = await rig.trip()
    assert shown_headers(outcome)[0] == "X-Spam-Flag: NO"
    assert any(line.startswith("Subject: ") for line in shown_headers(outcome))
    (kept,) = await kept_trips(rig.store)
    assert shown_headers(kept) == shown_headers(outcome)


async def test_of_a_message_in_a_message_both_headers_are_told(
    travel: Callable[..., Travel], lab_user: LabUser
) -> None:
    """A mailbox that forwards as an attachment: the outer one says how it came, the inner one how
    it was sent."""
    lines = shown_headers(await travel(lab_user).one_trip("forwarded", "rewrite-full@lab.test"))
    outer, inner = lines[: lines.index("")], lines[-lines[::-1].index("") :]
    assert any(line.startswith("Subject: Fwd: ") for line in outer)
    assert any(line.startswith("Received: from relay.lab.test") for line in inner)
    assert any(line.startswith("X-Mailtrip") for line in inner)
