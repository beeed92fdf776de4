"""`mailtrip_accepted_message_info`: what to search the log of the accepting server for, without a
new series for each trip."""

from dataclasses import replace

import pytest

from exporter.core.facts import MailServer
from exporter.core.model import Exchanger, Fact, Failure, Outcome, ProbeKey, Reply
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.metrics.metrics import Metrics
from exporter.metrics.round_trip import RoundTripSeries

KEY = ProbeKey("submission", "someone@example.org")
NAME = "mailtrip_accepted_message_info"
DAY = 86400.0


def failed(reason: Reason, queue: str = "4bX1yZ", phase: Phase = Phase.DELIVER) -> Outcome:
    facts = (
        MailServer("Relay.example.org", ("192.0.2.1",)),
        Reply(250, f"2.0.0 Ok: queued as {queue}"),
    )
    return Outcome("t", KEY, 1000.0, 1.0, facts=facts, failure=Failure(phase, None, reason))


def shown(series: RoundTripSeries) -> list[tuple[str, ...]]:
    return sorted(series.numbers(NAME))


def test_the_first_message_of_an_outage_stays_until_the_reason_changes_or_it_ends() -> None:
    series = RoundTripSeries()
    for queue in ("4bFIRST", "4bSECOND"):
        series.show(failed(Reason.OVERDUE, queue))
        assert shown(series) == [("overdue", "relay.example.org", "4bFIRST")]
    series.show(failed(Reason.BOUNCED, "4bTHIRD"))
    assert shown(series) == [("bounced", "relay.example.org", "4bTHIRD")]
    series.show(replace(failed(Reason.OVERDUE), failure=None))
    assert shown(series) == []


def test_a_message_that_no_server_accepted_has_none() -> None:
    series = RoundTripSeries()
    series.show(failed(Reason.OVERDUE))
    refused = failed(Reason.REJECTED, phase=Phase.SEND)
    series.show(replace(refused, failure=Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "550")))
    assert shown(series) == []


def test_of_several_exchangers_the_one_that_took_it_is_named() -> None:
    series, one = RoundTripSeries(), failed(Reason.OVERDUE)
    dead = MailServer("mx9.example.org", ())
    series.show(replace(one, facts=(*one.facts, dead, Exchanger("mx2.example.org", 20))))
    assert shown(series) == [("overdue", "mx2.example.org", "4bX1yZ")]


@pytest.mark.parametrize(
    "text",
    [
        "2.0.0 accepted",
        f"queued as {'A' * 65}",
        "queued as Ωmega",
        'queued as "><b>',
        "queued as \n",
    ],
)
def test_a_name_that_we_do_not_know_or_that_is_no_name_is_not_shown(text: str) -> None:
    series = RoundTripSeries()
    series.show(replace(failed(Reason.OVERDUE), facts=(Reply(250, text),)))
    assert shown(series) == []


def test_of_lost_messages_one_a_day_is_shown_and_outlasts_the_outage() -> None:
    made = Metrics()
    series = RoundTripSeries()
    for at, queue in ((0.0, "4bA"), (300.0, "4bB"), (DAY - 1, "4bC")):
        series.lost(at, failed(Reason.OVERDUE, queue).facts)
        assert shown(series) == [("lost", "relay.example.org", "4bA")]
    series.show(failed(Reason.OVERDUE, "4bD"))
    series.lost(DAY, failed(Reason.OVERDUE, "4bE").facts)
    series.show(replace(failed(Reason.OVERDUE), failure=None))
    assert shown(series) == [("lost", "relay.example.org", "4bE")]
    assert series.numbers("mailtrip_lost_total")[()] == 4
    made.lost(KEY)  # of a probe that is gone
    no_facts: tuple[Fact, ...] = ()
    series.lost(3 * DAY, no_facts)
    assert shown(series) == [("lost", "relay.example.org", "4bE")]
