"""The series of a probe that makes round trips."""

from dataclasses import replace

from exporter.core.facts import Arrival, Hop
from exporter.core.model import Span
from exporter.core.phases import Phase
from exporter.core.steps import Step
from tests.metrics.test_outcome import FAILURE, SUCCESS, finished, metrics


def test_a_step_that_failed_is_timed_too() -> None:
    shown = finished(metrics(), SUCCESS)
    assert shown['mailtrip_smtp_step_duration_seconds_count{step="connect"}'] == 1
    assert shown['mailtrip_mailbox_step_duration_seconds_count{step="connect"}'] == 1
    assert shown['mailtrip_mailbox_step_duration_seconds_count{step="fetch"}'] == 1


def test_waiting_for_a_greylisting_exchanger_is_counted_and_is_no_latency() -> None:
    waited = (Span(Phase.SEND, Step.RETRY, 0.5, 300.0), Span(Phase.SEND, None, 0.5, 300.5))
    shown = finished(metrics(), replace(SUCCESS, spans=waited))
    assert shown["mailtrip_retries_total"] == 1
    assert shown["mailtrip_last_send_duration_seconds"] == 0.5
    assert 'mailtrip_smtp_step_duration_seconds_count{step="retry"}' not in shown


def test_hops_are_those_of_the_newest_message_that_came() -> None:
    shown = finished(made := metrics(), SUCCESS)
    first = {'mailtrip_hop_delay_seconds{by="mx1.example.org",hop="1"}': 1.0, "mailtrip_hops": 4.0}
    assert first.items() <= shown.items()
    assert {name: shown[name] for name in shown if "clock_skew" in name} == {
        'mailtrip_hop_clock_skew_seconds{hop="1"}': 0.0,
        'mailtrip_hop_clock_skew_seconds{hop="2"}': 2.0,
        'mailtrip_hop_clock_skew_seconds{hop="4"}': -1.0,
    }
    assert first.items() <= finished(made, FAILURE).items()
    many = tuple(Hop(number, "mx", "", "", "", 1.0, 0.0, 0.0) for number in range(6, 21))
    shown = finished(made, replace(SUCCESS, facts=(*many, Arrival("INBOX", "header", 6.0, 6.5))))
    assert shown["mailtrip_hops"] == 20
    assert [name for name in shown if "hop_delay" in name] == [
        f'mailtrip_hop_delay_seconds{{by="mx",hop="{number}"}}' for number in range(6, 21)
    ]
    shown = finished(made, replace(SUCCESS, facts=(Arrival("INBOX", "header", 6.0, 6.5),)))
    assert {name: shown[name] for name in shown if "hop" in name} == {"mailtrip_hops": 0.0}


def test_what_was_measured_while_we_were_late_ourselves_is_not_observed() -> None:
    spans = (
        Span(Phase.SEND, Step.CONNECT, 0.0, 0.5, late=0.05),
        Span(Phase.SEND, Step.GREETING, 0.5, 0.5, late=0.4),
        Span(Phase.SEND, None, 0.0, 1.0, late=0.45),
    )
    shown = finished(metrics(), replace(SUCCESS, spans=spans))
    assert shown['mailtrip_smtp_step_duration_seconds_count{step="connect"}'] == 1
    assert shown['mailtrip_smtp_step_duration_seconds_count{step="greeting"}'] == 0
    assert shown["mailtrip_send_duration_seconds_count"] == 0
    assert "mailtrip_last_send_duration_seconds" not in shown
