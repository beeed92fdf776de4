"""A key in a zone reaches the list, and nobody else."""

import logging
from collections.abc import Iterator

import dns.rcode
import pytest

from exporter.blocklists.blocklists import Blocklists
from exporter.blocklists.names import Subject
from exporter.core.model import ListState
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from tests.support.blocklist_rig import BlocklistRig, a_list
from tests.support.broken_nameserver import names_server
from tests.support.fast_forward import fast_forward

Said = list[str] | dns.rcode.Rcode | None
KEY = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def secret_run(caplog: pytest.LogCaptureFixture) -> Iterator[Run]:
    caplog.set_level(logging.DEBUG)
    run = Run(Clock())
    yield run
    assert run.transcript
    assert KEY not in caplog.text + "".join(run.transcript)


@pytest.mark.parametrize(
    "answer", [["127.0.0.3"], ["127.255.255.255"], dns.rcode.SERVFAIL, None], ids=str
)
@fast_forward
async def test_a_key_reaches_the_list_and_nobody_else(answer: Said, secret_run: Run) -> None:
    def saying(name: str, kind: str) -> Said:
        assert name.endswith(f".{KEY}.bl.test")
        if kind == "TXT":
            return [f'"see https://bl.test/{KEY}"']
        return {"1.2.0": answer, "2.0.0": ["127.0.0.2"]}.get(name[:5], dns.rcode.NXDOMAIN)

    async with names_server(saying) as server:
        resolver = Resolver([server.address], 0.2)
        lists = Blocklists(resolver, Clock())
        keyed = a_list("{key}.bl.test", key=KEY)
        listing = await lists.look_up(keyed, Subject.of("192.0.2.1"), secret_run)
        assert KEY not in f"{listing!r}{lists.statistics!r}{vars(lists)!r}{vars(resolver)!r}"
        assert listing.blocklist == "bl.test"
        if answer == ["127.0.0.3"]:
            assert listing.text == "see https://bl.test/<secret>"


async def test_a_key_that_cannot_be_read_makes_the_answer_unknown_until_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with names_server(
        lambda name, kind: ["127.0.0.2"] if name.startswith("2.") else dns.rcode.NXDOMAIN
    ) as server:
        rig = BlocklistRig(server.address)
        keyed = a_list("{key}.bl.test", key={"env": "LIST_KEY"})
        listing = await rig.look_up(keyed, "192.0.2.1")
        assert (listing.state, listing.text) == (
            ListState.UNKNOWN,
            "the environment variable LIST_KEY is not set",
        )
        assert not server.asked
        assert rig.lists.statistics["bl.test"].usable is False
        monkeypatch.setenv("LIST_KEY", "one")
        rig.time.leap(61)
        assert (await rig.look_up(keyed, "192.0.2.1")).state is ListState.CLEAN
        monkeypatch.delenv("LIST_KEY")
        assert (await rig.look_up(keyed, "192.0.2.3")).state is ListState.UNKNOWN
        monkeypatch.setenv("LIST_KEY", "no name ..")
        assert (await rig.look_up(keyed, "192.0.2.4")).state is ListState.UNKNOWN
