import asyncio

import pytest

from exporter.model import ProbeKey, ProbeRefused
from exporter.prober import Probe
from exporter.probes import ProbeTable
from exporter.settings import Settings
from tests import virtual
from tests.workbench import Bench

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


def table(bench: Bench, max_targets: int = 3) -> ProbeTable:
    def make(key: ProbeKey, name: str | None, interval: float | None) -> Probe:
        return Probe(key, bench.probe.check, interval or 300, 600, 30, name)

    return ProbeTable(SETTINGS, bench.prober, bench.metrics, bench.clock, make, max_targets)


@pytest.mark.parametrize(
    ("module", "target", "status", "kind", "words"),
    [
        ("submision", "a@example.org", 400, "unknown_module", "unknown module 'submision'; did you mean submission?"),
        ("x", "a@example.org", 400, "unknown_module", "unknown module 'x'; there are: private, submission"),
        ("submission", "not an address", 400, "bad_target", "module submission can do nothing with 'not an address'"),
        ("submission", "a@example.com", 403, "target_not_allowed", "add a pattern that fits it to modules.submission"),
        ("private", "a@example.org", 403, "target_not_allowed", "modules.private.targets, or a probe for it to probes"),
    ],
)
def test_what_is_refused_is_refused_with_a_cure(module: str, target: str, status: int, kind: str, words: str) -> None:
    async def course() -> None:
        bench = Bench()
        with pytest.raises(ProbeRefused) as caught:
            table(bench).key(module, target)
        assert (caught.value.status, caught.value.kind) == (status, kind)
        assert words in str(caught.value)
        await bench.close()

    virtual.run(course())


def test_a_named_probe_has_its_own_interval_and_may_be_asked_for() -> None:
    async def course() -> None:
        bench = Bench()
        (probe,) = probes = table(bench)
        assert (probe.name, probe.interval) == ("named", 3600)
        assert probes.get(probes.key("private", "someone@example.com")) is probe
        await bench.close()

    virtual.run(course())


def test_there_is_an_end_to_the_number_of_probes() -> None:
    async def course() -> None:
        bench = Bench()
        probes = table(bench, max_targets=3)
        for name in ("a", "b"):
            probes.get(probes.key("submission", f"{name}@example.org"))
        probes.key("submission", "a@example.org")
        with pytest.raises(ProbeRefused) as caught:
            probes.key("submission", "c@example.org")
        assert (caught.value.status, caught.value.kind) == (429, "too_many_targets")
        await bench.close()

    virtual.run(course())


def test_a_pair_that_nobody_scrapes_is_forgotten_and_a_named_probe_never() -> None:
    async def course() -> None:
        bench = Bench()
        probes = table(bench)
        key = probes.key("submission", "a@example.org")
        await probes.ask(key, 60)
        await asyncio.sleep(880)
        probes.forget_idle()
        assert [probe.key for probe in probes if probe.name is None] == [key]
        await asyncio.sleep(30)
        probes.forget_idle()
        assert [probe.name for probe in probes] == ["named"]
        await asyncio.sleep(100_000)
        probes.forget_idle()
        assert [probe.name for probe in probes] == ["named"]
        await bench.close()

    virtual.run(course())


def test_a_pair_is_not_forgotten_while_a_message_is_under_way() -> None:
    async def course() -> None:
        bench = Bench()
        bench.sender.delay = None
        probes = table(bench)
        key = probes.key("submission", "a@example.org")
        probe = probes.get(key)
        probe.timeout = 5000
        await probes.ask(key, 1)
        await asyncio.sleep(2000)
        probes.forget_idle()
        assert probe in probes
        await bench.prober.abandon(probe)
        await bench.close()

    virtual.run(course())
