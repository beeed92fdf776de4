import asyncio

import pytest

from exporter.checks.check import QueryCheck
from exporter.core.model import ProbeError, ProbeKey, ProbeRefused
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.trace.run import Run
from exporter.probing.probe import Probe
from exporter.probing.probes import ProbeTable
from exporter.probing.schedule import Schedule
from exporter.settings import Settings
from tests.support import virtual_time as virtual
from tests.support.prober_rig import ProberRig

SETTINGS = Settings.parse(
    b"""
mailboxes: {monitor: {smtpd: {listen: "127.0.0.1:0", recipients: [monitor@example.org]}}}
modules:
  submission:
    targets: ["*@example.org"]
    roundtrip: {from: probe@example.org, send: {smtp: {host: mx.example.org}}, mailbox: monitor}
  private:
    roundtrip: {from: probe@example.org, send: {smtp: {host: mx.example.org}}, mailbox: monitor}
probes:
  - {name: named, module: private, target: someone@example.com, interval: 1h}
""",
    "test.yml",
)


def table(rig: ProberRig, max_targets: int = 3, settings: Settings = SETTINGS) -> ProbeTable:
    def make(key: ProbeKey, name: str | None, interval: float | None) -> Probe:
        return Probe(key, rig.probe.check, Schedule(interval or 300), 600, 30, name)

    return ProbeTable(settings, rig.prober, rig.metrics, rig.clock, make, max_targets)


@pytest.mark.parametrize(
    ("module", "target", "status", "kind", "words"),
    [
        (
            "submision",
            "a@example.org",
            400,
            "unknown_module",
            "unknown module 'submision'; did you mean submission?",
        ),
        (
            "x",
            "a@example.org",
            400,
            "unknown_module",
            "unknown module 'x'; known modules: private, submission",
        ),
        (
            "submission",
            "not an address",
            400,
            "bad_target",
            "invalid target 'not an address' for module submission",
        ),
        (
            "submission",
            "a@example.com",
            403,
            "target_not_allowed",
            "add a matching pattern to modules.submission",
        ),
        (
            "private",
            "a@example.org",
            403,
            "target_not_allowed",
            "modules.private.targets, or a probe for it to probes",
        ),
    ],
)
def test_what_is_refused_is_refused_with_a_cure(
    module: str, target: str, status: int, kind: str, words: str
) -> None:
    async def course() -> None:
        rig = ProberRig()
        with pytest.raises(ProbeRefused) as caught:
            table(rig).key(module, target)
        assert (caught.value.status, caught.value.kind) == (status, kind)
        assert words in str(caught.value)
        await rig.close()

    virtual.run(course())


SPELLED = Settings.parse(
    b"""
mailboxes: {monitor: {smtpd: {listen: "127.0.0.1:0", recipients: [monitor@example.org]}}}
modules:
  one:
    targets: [Monitor@Example.ORG, "a@[IPv6:2001:DB8::1]"]
    roundtrip: {from: probe@example.org, send: {smtp: {host: mx.example.org}}, mailbox: monitor}
  people:
    targets: ["*@*.example.org", "*@b\xc3\xbccher.example", "*@[[]IPv6:2001:db8::*]", "box-?@example.org"]
    roundtrip: {from: probe@example.org, send: {smtp: {host: mx.example.org}}, mailbox: monitor}
  relays:
    targets: ["relay?.example.org", 192.0.2.0/24, "2001:db8::/32", Mail.example.com.]
    roundtrip: {from: a@example.org, to: b@example.org, send: {smtp: {host: "{target}"}},
        mailbox: monitor}
  lists: {targets: ["*"], dnsbl: {lists: [{zone: bl.example.org, ipv6: true}],
      domain_lists: [dbl.example.org]}}
probes:
  - {name: named, module: people, target: Someone@Mail.Example.ORG.}
""",  # noqa: E501
    "test.yml",
)


@pytest.mark.parametrize(
    ("module", "spellings"),
    [
        (
            "one",
            [
                "Monitor@example.org",
                "Monitor@EXAMPLE.org",
                "Monitor@example.org.",
                "Monitor@example。org",
            ],
        ),
        ("one", ["a@[IPv6:2001:db8::1]", "a@[ipv6:2001:DB8:0:0::1]", "a@[IPv6:2001:0db8::0001]"]),
        (
            "people",
            [
                "Someone@mail.example.org",
                "Someone@MAIL.example.org.",
                "Someone@ＭＡＩＬ.example.org",
            ],
        ),
        (
            "people",
            [
                "a@xn--bcher-kva.example",
                "a@bücher.example",
                "a@BÜCHER.example.",
                "a@bu\u0308cher.example",
            ],
        ),
        (
            "relays",
            [
                "relay1.example.org",
                "RELAY1.example.org",
                "relay1.example.org.",
                "relay1.example\uff0eorg",
            ],
        ),
        (
            "relays",
            ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:0201", "0:0:0:0:0:ffff:192.0.2.1"],
        ),
        ("relays", ["2001:db8::1", "2001:DB8:0::1", "2001:0db8:0000:0000:0000:0000:0000:0001"]),
        ("relays", ["mail.example.com", "MAIL.example.com."]),
        ("lists", ["example.org", "EXAMPLE.org."]),
        ("lists", ["2001:db8::1", "[2001:DB8::1]", "2001:db8:0:0:0:0:0:1"]),
    ],
)
def test_all_spellings_of_a_target_are_one_probe(module: str, spellings: list[str]) -> None:
    async def course() -> None:
        rig = ProberRig()
        probes = table(rig, 100, SPELLED)
        before = len(list(probes))
        keys = {probes.key(module, spelling) for spelling in spellings}
        assert {key.target for key in keys} == {spellings[0]}
        for key in keys:
            probes.get_or_create(key)
        assert len(list(probes)) - before <= 1
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize(
    ("module", "target"),
    [
        *[
            ("one", target)
            for target in ("monitor@example.org", "MONITOR@example.org", "Monitor+a@example.org")
        ],
        *[
            ("one", target)
            for target in (
                "\uff2donitor@example.org",
                "Monitor@mail.example.org",
                "A@[IPv6:2001:db8::1]",
            )
        ],
        *[
            ("people", target)
            for target in ("Box-1@example.org", "box-12@example.org", "a%b@mail.example.org")
        ],
        *[
            ("relays", target)
            for target in (
                "relay12.example.org",
                "::ffff:192.0.3.1",
                "2001:db9::1",
                "192.0.2.1.a.org",
            )
        ],
    ],
)
def test_another_spelling_of_a_local_part_is_another_target(module: str, target: str) -> None:
    async def course() -> None:
        rig = ProberRig()
        with pytest.raises(ProbeRefused) as caught:
            table(rig, 100, SPELLED).key(module, target)
        assert caught.value.status == 403
        await rig.close()

    virtual.run(course())


def test_a_named_probe_is_found_by_every_spelling_and_its_beat_by_an_older_one() -> None:
    async def course() -> None:
        rig = ProberRig()
        (probe,) = probes = table(rig, 100, SPELLED)
        assert probe.key == ProbeKey("people", "Someone@mail.example.org")
        assert probes.get_or_create(probes.key("people", "Someone@Mail.Example.ORG.")) is probe
        assert probes.current(ProbeKey("people", "Someone@Mail.Example.ORG.")) == probe.key
        assert probes.current(ProbeKey("people", "someone@example.com")) is None
        await rig.close()

    virtual.run(course())


def test_a_named_probe_has_its_own_interval_and_may_be_asked_for() -> None:
    async def course() -> None:
        rig = ProberRig()
        (probe,) = probes = table(rig)
        assert (probe.name, probe.schedule.interval) == ("named", 3600)
        assert probes.get_or_create(probes.key("private", "someone@example.com")) is probe
        await rig.close()

    virtual.run(course())


def test_there_is_an_end_to_the_number_of_probes() -> None:
    async def course() -> None:
        rig = ProberRig()
        probes = table(rig, max_targets=3)
        for name in ("a", "b"):
            probes.get_or_create(probes.key("submission", f"{name}@example.org"))
        probes.key("submission", "a@example.org")
        with pytest.raises(ProbeRefused) as caught:
            probes.key("submission", "c@example.org")
        assert (caught.value.status, caught.value.kind) == (429, "too_many_targets")
        await rig.close()

    virtual.run(course())


def test_a_pair_that_nobody_scrapes_is_forgotten_and_a_named_probe_never() -> None:
    async def course() -> None:
        rig = ProberRig()
        probes = table(rig)
        key = probes.key("submission", "a@example.org")
        await probes.scrape(key, 60)
        await asyncio.sleep(880)
        probes.forget_idle()
        assert [probe.key for probe in probes if probe.name is None] == [key]
        await asyncio.sleep(30)
        probes.forget_idle()
        assert [probe.name for probe in probes] == ["named"]
        await asyncio.sleep(100_000)
        probes.forget_idle()
        assert [probe.name for probe in probes] == ["named"]
        await rig.close()

    virtual.run(course())


def test_a_pair_is_not_forgotten_while_a_message_is_under_way() -> None:
    async def course() -> None:
        rig = ProberRig()
        rig.sender.delay = None
        probes = table(rig)
        key = probes.key("submission", "a@example.org")
        probe = probes.get_or_create(key)
        probe.timeout = 5000
        await probes.scrape(key, 1)
        await asyncio.sleep(2000)
        probes.forget_idle()
        assert probe in probes
        await rig.prober.abandon(probe)
        await rig.close()

    virtual.run(course())


class Listed(QueryCheck):
    """A check that finds a listing on these blocklists."""

    def __init__(self, blocklists: tuple[str, ...]) -> None:
        self.blocklists = blocklists

    async def run(self, run: Run) -> None:
        async with run.phase(Phase.VERIFY):
            raise ProbeError(Reason.LISTED, "listed")


def test_an_outage_goes_on_when_a_probe_has_other_blocklists() -> None:
    async def course() -> None:
        rig, lists = ProberRig(), ["one.example", "two.example"]

        def make(key: ProbeKey, name: str | None, interval: float | None) -> Probe:
            return Probe(key, Listed(tuple(lists)), Schedule(interval or 300), 600, 30, name)

        probes = ProbeTable(SPELLED, rig.prober, rig.metrics, rig.clock, make)
        key = probes.key("lists", "192.0.2.1")
        before = probes.get_or_create(key)
        await rig.prober.start(before)
        lists.pop()
        probes.configure(SPELLED, {"lists"})
        after = probes.get_or_create(key)
        assert after is not before
        assert after.outages.lasting
        await rig.prober.start(after)
        assert [one.failures for one in await rig.store.outages(key, 9)] == [2]
        await rig.close()

    virtual.run(course())


def test_an_outage_goes_on_when_a_pair_was_not_scraped_for_long() -> None:
    async def course() -> None:
        rig = ProberRig()
        rig.sender.refusal = Reason.CONNECT
        probes = table(rig)
        key = probes.key("submission", "a@example.org")
        for failures in (1, 2):
            await probes.scrape(key, 60)
            assert [one.failures for one in await rig.store.outages(key, 9)] == [failures]
            await asyncio.sleep(1000)
            probes.forget_idle()
            assert [probe.name for probe in probes] == ["named"]
        rig.sender.refusal = None
        await probes.scrape(key, 60)
        assert not await rig.store.outages(key, 9, lasting=True)
        await rig.close()

    virtual.run(course())
