import asyncio
import os
import signal
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.core.facts import Arrival
from exporter.core.model import Exchanger, Failure, Outcome, ProbeKey, Reply, Span, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.state.history import summary_of
from exporter.state.outcomes import LastKnown
from exporter.state.schema import StateUnusable
from exporter.state.store import Store
from exporter.state.trip import Moment, State, Trip
from tests.support.visits import VISITS

PROBE = ProbeKey("submission", "someone@example.org")
OTHER = ProbeKey("submission", "other@example.org")
TRIP = Trip("t1", PROBE, "monitor", State.LEAVING, 1000.5, "boot", 5.25, 9000.0)
OUTCOME = Outcome(
    "t1",
    PROBE,
    1000.5,
    2.5,
    (Span(Phase.SEND, Step.TLS, 0.5, 1.0, Reason.TLS, "mx:25"), Span(Phase.SEND, None, 0.0, 2.0)),
    (
        Reply(250, "ok"),
        Exchanger("mx", 10),
        TlsSession(Leg.SEND, "TLSv1.3", "x", None),
        Arrival("", "header", None, 1.0),
        *VISITS,
    ),
    Failure(Phase.SEND, Step.TLS, Reason.TLS, "", "expired"),
    ("C: EHLO",),
)


def ignore(why: str) -> None:
    pass


async def test_a_trip_goes_through_its_states_and_survives_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    await store.record(TRIP)
    assert store.unsettled() == [TRIP]
    store.save_acceptance(replace(TRIP, sending_since=6.0, accepted=7.0), ignore)
    await store.close()

    store = Store.open(tmp_path)
    assert store.unsettled() == [replace(TRIP, state=State.SENT, sending_since=6.0, accepted=7.0)]
    store.settle("t1", State.ARRIVED)
    await store.close()

    store = Store.open(tmp_path)
    assert store.unsettled() == []
    known = await store.trip("t1")
    assert known is not None
    assert known.state is State.ARRIVED
    store.forget_expired(Moment("boot", 8005.0, 0.0))
    await store.close()

    store = Store.open(tmp_path)
    assert await store.trip("t1") is None
    await store.close()


async def test_the_newest_outcome_of_a_probe_is_kept_whole(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.finished(replace(OUTCOME, trip="older"))
    store.finished(OUTCOME)
    await store.close()
    store = Store.open(tmp_path)
    assert list(store.last_known()) == [LastKnown(OUTCOME, None, (summary_of(OUTCOME),) * 2)]
    await store.close()


@pytest.mark.slow
async def test_a_trip_is_on_the_disk_when_begin_returns_even_if_the_process_is_killed(
    tmp_path: Path,
) -> None:
    program = """
import asyncio, os, signal, sys
from pathlib import Path
from exporter.state.store import Store
from tests.state.test_store import TRIP
async def main():
    store = Store.open(Path(sys.argv[1]))
    await store.record(TRIP)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path))
    assert await killed.wait() == -signal.SIGKILL
    store = Store.open(tmp_path)
    assert store.unsettled() == [TRIP]
    await store.close()


async def test_many_trips_that_begin_at_once_share_commits(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    await asyncio.gather(*(store.record(replace(TRIP, id=f"t{n}")) for n in range(500)))
    assert len(store.unsettled()) == 500
    await store.close()


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(StateUnusable, match="another mailtrip uses the state directory"):
        Store.open(tmp_path)
    await store.close()


def test_a_directory_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StateUnusable, match="cannot write in the state directory .*file/state: Not a directory"
    ):
        Store.open(tmp_path / "file" / "state")


@pytest.mark.parametrize(
    "damage", [b"this is no database" * 100, b"SQLite format 3\0" + os.urandom(4000)]
)
async def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "mailtrip.sqlite"
    file.write_bytes(damage)
    store = Store.open(tmp_path)
    assert store.unsettled() == []
    await store.close()
    assert (tmp_path / "mailtrip.damaged").read_bytes() == damage
    assert "is damaged" in caplog.text


@pytest.mark.parametrize("umask", [0o000, 0o777])
async def test_what_is_kept_is_for_us_alone_whatever_the_umask_and_whoever_made_it(
    tmp_path: Path, umask: int
) -> None:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o755)
    before = os.umask(umask)
    try:
        store = Store.open(directory)
        await store.record(TRIP)
        assert modes(directory) == dict.fromkeys(["lock", *FILES], 0o600)
        copies = {name: (directory / name).read_bytes() for name in FILES}
        await store.close()
    finally:
        os.umask(before)
    for name, content in copies.items():  # as a kill leaves them
        (directory / name).write_bytes(content)
    (directory / "mailtrip.damaged").touch()
    for file in directory.iterdir():
        file.chmod(0o666)
    store = Store.open(directory)
    assert modes(directory) == dict.fromkeys(["lock", "mailtrip.damaged", *FILES], 0o600)
    assert len(store.unsettled()) == 1
    await store.close()


async def test_a_damaged_file_that_others_could_read_is_set_aside_for_us_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "mailtrip.sqlite").write_bytes(b"this is no database" * 100)
    (tmp_path / "mailtrip.sqlite").chmod(0o644)
    store = Store.open(tmp_path)
    assert set(modes(tmp_path).values()) == {0o600}
    await store.close()


FILES = ("mailtrip.sqlite", "mailtrip.sqlite-wal", "mailtrip.sqlite-shm")


def modes(directory: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}


async def test_what_the_disk_refuses_is_said(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    await store.record(TRIP)
    with pytest.raises(StateUnusable, match="could not be written"):
        await store.record(TRIP)  # the same trip twice: the database refuses it
    await store.close()


async def test_the_verdict_of_a_trip_whose_message_is_back_is_kept_until_it_is_settled(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path)
    await store.record(TRIP)
    await store.save_verdict(OUTCOME)
    await store.close()
    store = Store.open(tmp_path)
    assert store.unsettled() == [replace(TRIP, state=State.FOUND, verdict=OUTCOME)]
    store.settle("t1", State.FAILED)
    await store.close()
    store = Store.open(tmp_path)
    assert store.unsettled() == [replace(TRIP, state=State.FAILED)]
    await store.close()


@pytest.mark.parametrize("how", ["removed", "replaced"])
async def test_a_state_file_that_goes_away_under_us_is_said_once(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store.open(tmp_path)
    await store.record(TRIP)
    store.check_place()
    await store.record(replace(TRIP, id="t2"))
    assert caplog.text == ""
    file = tmp_path / "mailtrip.sqlite"
    file.unlink() if how == "removed" else file.rename(tmp_path / "away")
    if how == "replaced":
        file.write_bytes(b"")
    for number in range(3, 6):
        store.check_place()
        await store.record(replace(TRIP, id=f"t{number}"))
    (line,) = [record.message for record in caplog.records]
    assert str(file) in line
    await store.close()
