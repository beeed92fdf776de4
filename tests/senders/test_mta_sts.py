"""MTA-STS: what `mx` makes of policies that domains publish, and which of two policies counts."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from exporter.app import App
from exporter.core.model import Failure, PlaintextFallback, TlsPolicy
from exporter.core.one_line import MAX_DETAIL
from exporter.core.reasons import Reason
from exporter.core.saved_policy import SavedPolicy
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.support.chains import HOST, CertifiedKey, issue, server_context, tlsa, written
from tests.support.name_server import Zone, name_server, names
from tests.support.ports import free_port
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send, tls_policies, went_with_tls
from tests.support.smtp_witness import (
    OFFERS,
    Act,
    Cut,
    Encrypted,
    Reply,
    SmtpWitness,
    Stage,
    witness,
)
from tests.support.sts_site import (
    CA,
    DOMAIN,
    ENFORCE,
    NONE,
    TESTING,
    StsSite,
    authority_file,
    sts_site,
)

WITH_TLS = (*OFFERS, "STARTTLS")
LEAF = issue(HOST, CA, hosts=[HOST])
SECOND = issue("x", CA, hosts=["mx2.example.test"])
SELF_SIGNED = issue(HOST, hosts=[HOST])
EXPIRED = issue(HOST, CA, hosts=[HOST], days=(-9, -1))
OTHER_NAME = issue("other.test", CA, hosts=["other.test"])
WILDCARD = issue("x", CA, hosts=["*.example.test"])


@dataclass
class Domain:
    """A domain with a policy, and one or two exchangers."""

    directory: Path
    text: str = ENFORCE
    leaf: CertifiedKey = LEAF
    offers: Sequence[str] = WITH_TLS
    act: tuple[Stage, Act] | None = None
    prepare: Callable[[StsSite], object] = lambda _: None
    second: bool = False
    zone: Callable[[int], dict[str, Any]] = field(default=lambda _: {})

    async def send(self, **options: Any) -> tuple[Run, Failure | None, list[SmtpWitness]]:
        run = new_run()
        async with AsyncExitStack() as stack:
            site = await stack.enter_async_context(sts_site())
            site.text = self.text
            self.prepare(site)
            port = free_port()  # on both addresses
            first = await stack.enter_async_context(witness(port=port, offers=self.offers))
            resolver = await stack.enter_async_context(names(self._zone(site, port), tcp=True))
            second = await stack.enter_async_context(witness("127.0.0.2", port, WITH_TLS))
            first.always(Stage.TLS, Encrypted(context=server_context(self.leaf)))
            second.always(Stage.TLS, Encrypted(context=server_context(SECOND)))
            if self.act:
                first.always(*self.act)
            how = {"port": port, "retry_after": "1h", "tls": "mta_sts", **options}
            how["ca_file"] = authority_file(self.directory)
            sender = make_sender("mx", how, resolver, site.port)
            failure = await send(sender, probe_message(), run)
            for one in (first, second):
                await one.ended()
        return run, failure, [first, second]

    def _zone(self, site: StsSite, port: int) -> dict[str, Any]:
        exchangers = ["20 mx2.example.test."] if self.second else []
        return site.zone | {
            DOMAIN: {"MX": [f"10 {HOST}.", *exchangers]},
            HOST: {"A": ["127.0.0.1"]},
            "mx2.example.test": {"A": ["127.0.0.2"]},
            **self.zone(port),
        }


def policy(run: Run) -> TlsPolicy:
    (found,) = set(tls_policies(run))
    return found


@pytest.mark.parametrize("leaf", [LEAF, WILDCARD], ids=["its own name", "wildcard"])
@pytest.mark.parametrize(
    "text", [ENFORCE, TESTING, ENFORCE.replace("mx.example", "*.example")], ids=range(3)
)
async def test_an_exchanger_that_meets_the_policy_gets_the_message(
    tmp_path: Path, leaf: CertifiedKey, text: str
) -> None:
    run, failure, (first, _) = await Domain(tmp_path, text, leaf).send()
    assert failure is None
    assert policy(run) == TlsPolicy("mta_sts", "testing" if text == TESTING else "enforce")
    assert went_with_tls(run)
    assert (len(first.received), len(first.lines)) == (1, 1)


UNMET: dict[str, dict[str, Any]] = {
    "self-signed": {"leaf": SELF_SIGNED},
    "expired": {"leaf": EXPIRED},
    "for another name": {"leaf": OTHER_NAME},
    "no TLS": {"offers": OFFERS},
    "TLS refused": {"act": (Stage.STARTTLS, Reply("454 4.7.0 TLS not available"))},
    "TLS broken": {"act": (Stage.TLS, Reply("this is no TLS"))},
    "not in the policy": {},
}


def text_for(way: str, text: str) -> str:
    return text.replace(HOST, "elsewhere.test") if way == "not in the policy" else text


@pytest.mark.parametrize("way", UNMET)
async def test_an_exchanger_that_does_not_meet_it_gets_no_message(tmp_path: Path, way: str) -> None:
    domain = Domain(tmp_path, text_for(way, ENFORCE), **UNMET[way])
    run, failure, (first, _) = await domain.send()
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.TLS, Reason.POLICY)
    assert ("is not in the MTA-STS policy" if "not in" in way else "mta_sts") in failure.detail
    assert not first.received
    assert len(first.lines) == (way != "not in the policy"), "never in plain text"
    if way != "not in the policy":
        assert policy(run) == TlsPolicy("mta_sts", "enforce")


@pytest.mark.parametrize("way", UNMET)
async def test_in_testing_it_gets_the_message_and_the_problem_is_told(
    tmp_path: Path, way: str
) -> None:
    domain = Domain(tmp_path, text_for(way, TESTING), **UNMET[way])
    run, failure, (first, _) = await domain.send()
    assert failure is None
    assert len(first.received) == 1
    found = policy(run)
    assert (found.policy, found.mode) == ("mta_sts", "testing")
    assert found.problem
    assert went_with_tls(run) == ("TLS" not in way)
    fell_back = any(isinstance(fact, PlaintextFallback) for fact in run.facts)
    assert fell_back == (way in ("TLS refused", "TLS broken"))


@pytest.mark.parametrize("text", [TESTING, NONE], ids=["testing", "none"])
async def test_without_a_policy_to_enforce_verify_is_obeyed(tmp_path: Path, text: str) -> None:
    """RFC 8461 section 5: such a policy requires nothing. It does not weaken what was asked."""
    run, failure, (first, _) = await Domain(tmp_path, text, SELF_SIGNED).send(verify=True)
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.TLS, Reason.TLS)
    assert "self-signed certificate" in failure.detail
    assert "policy" not in failure.detail
    assert not first.received
    assert policy(run).mode == ("testing" if text == TESTING else "none")
    run, failure, (first, _) = await Domain(tmp_path, text, LEAF).send(verify=True)
    assert failure is None
    assert went_with_tls(run)
    assert len(first.received) == 1


async def test_where_a_policy_is_enforced_verify_changes_nothing(tmp_path: Path) -> None:
    for verify in (True, False):
        _, failure, _ = await Domain(tmp_path, ENFORCE, SELF_SIGNED).send(verify=verify)
        assert failure is not None
        assert failure.reason is Reason.POLICY


async def test_what_a_policy_says_is_one_short_line(tmp_path: Path) -> None:
    odd = "\x1b[2J" + "x" * 5000
    run, failure, _ = await Domain(tmp_path, TESTING.replace(HOST, odd)).send()
    assert failure is None
    assert f"{HOST} is not in the MTA-STS policy" in policy(run).problem
    assert policy(run).problem.isprintable()
    assert len(policy(run).problem) <= MAX_DETAIL


@pytest.mark.parametrize("covers_first", [True, False])
async def test_another_exchanger_that_meets_it_is_used(tmp_path: Path, covers_first: bool) -> None:
    text = ENFORCE.replace(HOST, "mx2.example.test") + (f"mx: {HOST}\r\n" if covers_first else "")
    run, failure, (first, second) = await Domain(tmp_path, text, SELF_SIGNED, second=True).send()
    assert failure is None
    assert policy(run) == TlsPolicy("mta_sts", "enforce")
    assert (len(first.received), len(second.received)) == (0, 1)
    assert len(first.lines) == covers_first


WITHOUT: dict[str, tuple[str, Callable[[StsSite], object], str, bool]] = {
    "none is announced": (ENFORCE, lambda site: site.announce(), "none none", False),
    "two are announced": (
        ENFORCE,
        lambda site: site.announce("v=STSv1; id=1;", "v=STSv1; id=2;"),
        "none none",
        False,
    ),
    "the mode none": (NONE, lambda site: None, "mta_sts none", False),
    "no download": (
        ENFORCE,
        lambda site: setattr(site, "status", 500),
        "mta_sts unavailable",
        True,
    ),
    "a bad download": ("nonsense", lambda site: None, "mta_sts unavailable", True),
}


@pytest.mark.parametrize("way", WITHOUT)
@pytest.mark.parametrize("act", [None, (Stage.TLS, Cut())], ids=["tls", "broken"])
async def test_without_a_policy_to_enforce_tls_is_opportunistic(
    tmp_path: Path, way: str, act: tuple[Stage, Act] | None
) -> None:
    text, prepare, found, problem = WITHOUT[way]
    domain = Domain(tmp_path, text, SELF_SIGNED, act=act, prepare=prepare)
    run, failure, (first, _) = await domain.send()
    assert failure is None
    assert len(first.received) == 1
    one = policy(run)
    assert (f"{one.policy} {one.mode}", bool(one.problem)) == (found, problem)
    assert went_with_tls(run) == (act is None)


def signed(*records: str) -> Callable[[int], dict[str, Any]]:
    """The zone of a signed exchanger."""

    def zone(port: int) -> dict[str, Any]:
        return {
            HOST: {"A": ["127.0.0.1"], "AD": []},
            f"_{port}._tcp.{HOST}": {"AD": []} | ({"TLSA": records} if records else {}),
        }

    return zone


@pytest.mark.parametrize(
    ("zone", "leaf", "found", "arrives"),
    [
        (signed(written(tlsa(SELF_SIGNED))), SELF_SIGNED, "dane enforce", True),
        (signed(written(tlsa(SELF_SIGNED))), LEAF, "dane enforce", False),  # MTA-STS would allow it
        (signed(), LEAF, "mta_sts enforce", True),
        (signed(), SELF_SIGNED, "mta_sts enforce", False),
        (lambda _: {}, LEAF, "mta_sts enforce", True),
    ],
)
async def test_tlsa_records_take_precedence(
    tmp_path: Path,
    zone: Callable[[int], dict[str, Any]],
    leaf: CertifiedKey,
    found: str,
    arrives: bool,
) -> None:
    """RFC 8461 section 2."""
    run, failure, _ = await Domain(tmp_path, leaf=leaf, zone=zone).send(tls="policy")
    one = policy(run)
    assert f"{one.policy} {one.mode}" == found
    assert (failure is None) == arrives
    assert failure is None or failure.reason is Reason.POLICY


async def test_with_neither_tls_is_opportunistic(tmp_path: Path) -> None:
    domain = Domain(tmp_path, prepare=lambda site: site.announce(), offers=OFFERS)
    run, failure, _ = await domain.send(tls="policy")
    assert failure is None
    assert policy(run) == TlsPolicy("none", "none")


async def test_a_policy_of_an_earlier_process_still_holds(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    text = ENFORCE.replace(HOST, "elsewhere.test")
    store.keep_sts_policy(SavedPolicy(DOMAIN, "1", text, Clock().wall()))
    await store.close()
    zone: Zone = {DOMAIN: {"MX": [f"10 {HOST}."]}, HOST: {"A": ["127.0.0.1"]}}
    async with name_server(zone) as address:
        settings = f"""
resolver: {{nameservers: ["{address}"]}}
modules: {{m: {{roundtrip: {{from: a@example.test, expect: {{code: 550}}, send: {{mx: {{tls: mta_sts}}}}}}}}}}
probes: [{{name: p, module: m, target: someone@{DOMAIN}}}]
"""  # noqa: E501
        parsed = Settings.parse(settings.encode(), "f")
        async with App(parsed, Store.open(tmp_path), new_key()) as app:
            app.recover()
            (probe,) = app.probes
            outcome = await app.prober.start(probe)
            page = bytes(await app.metrics.everything()).decode()
    assert outcome.failure
    assert (outcome.failure.step, outcome.failure.reason) == (Step.TLS, Reason.POLICY)
    assert 'mailtrip_tls_policy_info{mode="enforce",policy="mta_sts",probe="p"} 1.0' in page
