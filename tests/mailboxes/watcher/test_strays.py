"""Strays: judging one changes nothing here, and one that is put off is judged again when due."""

from exporter.mail.message import Kind
from exporter.mail.tokens import Mint
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.strays import MOST_POSTPONED, Stray, Strays

TOKEN = Mint(b"k" * 32).mint(0)


class StraysRig:
    def __init__(self) -> None:
        self.now = 0.0
        self.pause = 60.0
        self.judged: list[Sighting] = []
        self.strays = Strays(self.judge, lambda: self.now)

    async def judge(self, stray: Stray) -> float:
        assert (stray.token, stray.kind) == (TOKEN, Kind.MESSAGE)
        self.judged.append(stray.sighting)
        return self.pause


def stray(ref: int = 1) -> Stray:
    return Stray(TOKEN, Kind.MESSAGE, Sighting(ref, "INBOX", b"", 0.0, watched=True), False)


async def test_judging_a_stray_does_not_put_it_off() -> None:
    bench = StraysRig()
    assert await bench.strays.judge(stray()) == 60.0
    bench.now, bench.pause = 100.0, 0.0
    assert await bench.strays.due() == []
    assert len(bench.judged) == 1


async def test_a_stray_that_was_put_off_is_judged_again_when_due() -> None:
    bench = StraysRig()
    bench.strays.postpone(stray(), 60.0)
    bench.now = 59.0
    assert await bench.strays.due() == []
    bench.now = 60.0
    assert await bench.strays.due() == []  # the judge wants it left alone for longer
    bench.now, bench.pause = 120.0, 0.0
    assert await bench.strays.due() == [stray().sighting]
    assert await bench.strays.due() == []
    assert len(bench.judged) == 2


async def test_no_more_strays_are_kept_in_mind_than_a_limit() -> None:
    bench = StraysRig()
    for ref in range(MOST_POSTPONED + 1):
        bench.strays.postpone(stray(ref), 1.0)
    bench.now, bench.pause = 1.0, 0.0
    assert len(await bench.strays.due()) == MOST_POSTPONED
