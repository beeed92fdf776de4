"""What blocklists say about the client that delivered a message: a fact, which fails nothing."""

import io
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from pydantic import ValidationError
from rich.console import Console

from exporter.app import App
from exporter.checks.options import RoundtripOptions
from exporter.checks.standing import Standing
from exporter.core.json_output import described
from exporter.core.model import Listing, ListState, Outcome
from exporter.core.trace.run import Run
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.terminal.trip import waterfall
from exporter.web.blocklist_status import blocklist_statuses
from exporter.web.pages.blocklist import configured_lists
from exporter.web.pages.overview import in_words
from exporter.web.pages.waterfall import Waterfall
from tests.lab.client import Lab
from tests.support.blocklist_app import CLEAN, LISTED, TESTS, UNKNOWN, states
from tests.support.blocklist_rig import BlocklistRig, a_list
from tests.support.broken_nameserver import names_server
from tests.support.fast_forward import fast_forward
from tests.support.name_server import Zone, name_server
from tests.support.pauses import at_once

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"], timeout: 1s}}
mailboxes:
  own: {{smtpd: {{listen: "{mon}:2525", recipients: [monitor@mon.test]}}}}
modules:
  inbound:
    timeout: 60s
    session_timeout: 4s
    roundtrip:
      from: probe@mon.test
      to: alias@lab.test
      send: {{mx: {{source_address: {mon}, ehlo_name: mx.mon.test}}}}
      mailbox: own
      blocklists: [{lists}]
probes: [{{name: inbound, module: inbound, target: alias@lab.test}}]
"""
ZONE: Zone = {**TESTS, "1.2.0.192.bl.example": {"A": ["127.0.0.2"]}}


async def test_the_client_of_the_receiver_is_looked_up_and_the_trip_succeeds(
    lab: Lab, tmp_path: Path
) -> None:
    lists = "bl.lab.test, blclean.lab.test, blerr.lab.test, bldead.lab.test"
    text = CONFIGURATION.format(dns=lab.dns, mon=lab.mon_ip, lists=lists)
    settings = Settings.parse(text.encode(), "mailtrip.yml")
    async with App(settings, Store.open(tmp_path), new_key()) as made:
        (probe,) = made.probes
        outcome = await made.prober.start(probe)
        page = at_once(made.metrics.probe(probe.key)).decode()
        statuses = {one.name: one for one in await blocklist_statuses(made.probes)}
    assert outcome.failure is None
    assert states(outcome) == {
        ("bl", lab.mx_ip): LISTED,
        ("blclean", lab.mx_ip): CLEAN,
        ("blerr", lab.mx_ip): UNKNOWN,
        ("bldead", lab.mx_ip): UNKNOWN,
    }
    assert "mailtrip_dnsbl" not in page
    assert statuses["bl.lab.test"].listed.keys() == {lab.mx_ip}
    assert statuses["blerr.lab.test"].trouble
    assert in_words(outcome).startswith("round trip ")
    notes = {row.label: row.note for row in Waterfall(outcome).rows()}
    assert "blocklist" not in notes["verify"]
    (listed,) = [
        fact
        for fact in described(outcome)["facts"]
        if fact["fact"] == "listing" and fact["state"] == "listed"
    ]
    assert (listed["blocklist"], listed["subject"]) == ("bl.lab.test", lab.mx_ip)
    shown = in_a_terminal(outcome)
    assert f"blocklist         {lab.mx_ip} is listed on bl.lab.test; 127.0.0.2" in shown
    assert f"{lab.mx_ip} is not listed on blclean.lab.test" in shown


def in_a_terminal(outcome: Outcome) -> str:
    console = Console(file=io.StringIO(), width=200)
    waterfall(outcome, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def saying(name: str, kind: str) -> list[str] | dns.rcode.Rcode:
    if kind == "TXT":
        return ['"sends spam"']
    listed = name.startswith(("2.0.0.127.", "1.2.0.192."))
    return ["127.0.0.2"] if listed else dns.rcode.NXDOMAIN


async def test_all_checks_share_the_answers() -> None:
    async with names_server(saying, ttl=300) as server:
        rig = BlocklistRig(server.address)
        one = a_list("bl.example")
        await rig.look_up(one, "192.0.2.1")
        asked = len(rig.queries)
        (answer,) = await Standing([one], rig.lists).of("192.0.2.1", rig.run)
        await rig.lists.close()
    assert (answer.state, answer.text) == (ListState.LISTED, "sends spam")
    assert len(rig.queries) == asked


@fast_forward
async def test_a_list_that_does_not_answer_is_unknown_and_soon() -> None:
    async with name_server(ZONE) as address, name_server({}, silent=True) as silent:
        rig, mute = BlocklistRig(address), BlocklistRig(silent, timeout=30)
        run = Run(rig.clock, session_timeout=0.3)
        answers: list[Listing] = []
        for lists in (rig.lists, mute.lists):
            answers += await Standing([a_list("bl.example")], lists).of("192.0.2.1", run)
            await lists.close()
    assert [one.state for one in answers] == [LISTED, UNKNOWN]
    assert "no answer within" in answers[1].text


async def test_a_public_list_does_not_get_to_know_an_internal_address() -> None:
    async with names_server(saying) as server:
        rig = BlocklistRig(server.address)
        lists = [a_list("bl.spamcop.net"), a_list("own.example")]
        assert [one.public for one in lists] == [True, False]
        answers = await Standing(lists, rig.lists).of("10.1.2.3", rig.run)
        await rig.lists.close()
    assert [one.state for one in answers] == [UNKNOWN, CLEAN]
    assert "not public" in answers[0].text
    assert not [name for name, _ in server.asked if name.endswith("spamcop.net")]


@pytest.mark.parametrize(("ipv6", "count"), [(True, 1), (False, 0)])
async def test_only_lists_of_its_kind_of_address_are_asked(ipv6: bool, count: int) -> None:
    async with name_server(ZONE) as address:
        rig = BlocklistRig(address)
        one = a_list("bl.example", ipv6=ipv6)
        answers = await Standing([one], rig.lists).of("2001:db8::1", rig.run)
        await rig.lists.close()
    assert len(answers) == count


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mailbox": "own", "blocklists": [f"bl{n}.example" for n in range(20)]}, ""),
        ({"mailbox": "own", "blocklists": [f"bl{n}.example" for n in range(21)]}, "at most 20"),
        ({"mailbox": "own", "blocklists": ["BL.example", "bl.example"]}, "bl.example"),
        ({"expect": {"code": 550}, "blocklists": ["bl.example"]}, "use blocklists or expect"),
    ],
    ids=["many", "too many", "twice", "of a message that never arrives"],
)
def test_the_lists_are_few_and_those_of_a_message_that_arrives(
    options: dict[str, Any], said: str
) -> None:
    given = {"from": "a@example.org", "send": {"mx": {}}, **options}
    if not said:
        assert len(RoundtripOptions.model_validate(given).blocklists) == 20
        return
    with pytest.raises(ValidationError, match=said):
        RoundtripOptions.model_validate(given)


async def test_these_lists_are_among_those_of_the_configuration() -> None:
    text = CONFIGURATION.format(dns="127.0.0.1:53", mon="127.0.0.1", lists="bl.example")
    settings = Settings.parse(text.encode(), "mailtrip.yml")
    assert [one.name for one in settings.blocklists] == ["bl.example"]
    assert (await configured_lists(settings.modules.values())).keys() == {"bl.example"}
