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
    rig = StraysRig()
    assert await rig.strays.judge(stray()) == 60.0
    rig.now, rig.pause = 100.0, 0.0
    assert await rig.strays.due() == []
    assert len(rig.judged) == 1


async def test_a_stray_that_was_put_off_is_judged_again_when_due() -> None:
    rig = StraysRig()
    rig.strays.postpone(stray(), 60.0)
    rig.now = 59.0
    assert await rig.strays.due() == []
    rig.now = 60.0
    assert await rig.strays.due() == []  # the judge wants it left alone for longer
    rig.now, rig.pause = 120.0, 0.0
    assert await rig.strays.due() == [stray().sighting]
    assert await rig.strays.due() == []
    assert len(rig.judged) == 2


async def test_no_more_strays_are_kept_in_mind_than_a_limit() -> None:
    rig = StraysRig()
    for ref in range(MOST_POSTPONED + 1):
        rig.strays.postpone(stray(ref), 1.0)
    rig.now, rig.pause = 1.0, 0.0
    assert len(await rig.strays.due()) == MOST_POSTPONED
