"""The bench compares what does the same, and says truly where the time goes."""

import time
from collections.abc import Callable

import pytest

import exporter.mail.tokens
import exporter.net.smtp.session
from tests.bench import __main__ as bench
from tests.bench.bare_loop import BareLoop
from tests.bench.layers import Layers, layer_of
from tests.bench.load import Load, cost_of
from tests.bench.trips import ROUTES, SENDER, Route, ours
from tests.lab.client import Lab, LabUser


@pytest.mark.parametrize("make", ROUTES, ids=lambda make: str(make.__name__))
async def test_the_bare_loop_and_mailtrip_both_find_and_delete_their_messages(
    make: Callable[[Lab, LabUser], Route], lab: Lab, lab_user: LabUser
) -> None:
    route = make(lab, lab_user)
    async with BareLoop(route.server, SENDER, lab_user.address, route.inbox) as loop:
        bare = await cost_of(Load(4, 20), loop.trip)
    async with ours(route, lab_user) as trip:
        full = await cost_of(Load(4), trip)
    assert (bare.good, full.good) == (4, 4)
    assert lab_user.mails() == []


def test_a_file_belongs_to_a_layer() -> None:
    assert layer_of(exporter.mail.tokens.__file__) == "mail"
    assert layer_of(exporter.net.smtp.session.__file__) == "net/smtp"
    assert layer_of(time.strftime.__module__) == ""


def test_processor_time_is_counted_in_the_layer_that_spends_it() -> None:
    mint = exporter.mail.tokens.Mint(bytes(32))
    with Layers() as sampled:
        for _ in range(5000):  # a hundred samples or more, some of them in the loop itself
            mint.mint(0.0)
    assert sampled.seconds["mail"] > 0
    assert sampled.seconds["net/smtp"] == 0


def test_an_unknown_part_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        bench.main(["trip", "nonsense"])
    assert "no such part: nonsense" in capsys.readouterr().err
