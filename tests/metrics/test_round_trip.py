"""The series of a probe that makes round trips."""

from dataclasses import replace

import pytest

from exporter.core.facts import Arrival, Authentication, Hop, SenderCheck
from exporter.core.model import Exchanger, Fact, Failure, Reply, Span, TlsPolicy, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.scope import RoundTripScope
from exporter.core.steps import Step
from exporter.metrics.metrics import Metrics
from tests.metrics.test_outcome import FAILURE, KEY, SUCCESS, finished, metrics, series
from tests.support.pauses import at_once
from tests.support.scopes import EXCHANGER, PLAIN, REFUSED, SUBMISSION
from tests.support.visits import EARLIER, EXPIRES, VISITS


def test_a_step_that_failed_is_timed_too() -> None:
    shown = finished(metrics(), SUCCESS)
    assert shown['mailtrip_last_smtp_step_duration_seconds{step="connect"}'] == 0.01


def test_steps_in_which_a_server_works_have_a_histogram_and_all_a_newest_value() -> None:
    shown = finished(metrics(), SUCCESS)
    assert shown['mailtrip_smtp_step_duration_seconds_count{step="data"}'] == 1
    assert shown['mailtrip_mailbox_step_duration_seconds_count{step="fetch"}'] == 1
    assert shown['mailtrip_last_mailbox_step_duration_seconds{step="fetch"}'] == 0.1
    assert shown['mailtrip_last_mailbox_step_duration_seconds{step="connect"}'] == 0.002
    assert not [name for name in shown if "_count" in name and 'step="connect"' in name]


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
    assert shown['mailtrip_last_smtp_step_duration_seconds{step="connect"}'] == 0.5
    assert 'mailtrip_last_smtp_step_duration_seconds{step="greeting"}' not in shown
    assert shown["mailtrip_send_duration_seconds_count"] == 0
    assert "mailtrip_last_send_duration_seconds" not in shown


def test_an_smtp_receiver_has_only_one_place_where_a_message_is_found() -> None:
    shown = finished(made := metrics(), SUCCESS)
    assert [name for name in shown if name.startswith("mailtrip_arrival_info")]
    shown = finished(made, replace(SUCCESS, facts=(Arrival("", "header", 6.0, 6.5),)))
    assert not [name for name in shown if name.startswith("mailtrip_arrival_info")]


def test_a_probe_says_what_it_is_before_its_first_trip_and_after_a_reload() -> None:
    made = metrics()

    def identities() -> list[str]:
        names = series(at_once(made.everything()))
        return [name for name in names if name.startswith("mailtrip_probe_info")]

    def identity(mailbox: str) -> str:
        labels = f'module="{KEY.module}",probe="gmail",target="{KEY.target}"'
        return f'mailtrip_probe_info{{mailbox="{mailbox}",{labels}}}'

    for mailboxes, first in ((("spam", "bounces"), "spam"), (("monitor",), "monitor"), ((), "")):
        made.known(KEY, "gmail", replace(SUBMISSION, mailboxes=mailboxes))
        assert identities() == [identity(first)]
    assert [name for name in shown_now(made) if name.startswith("mailtrip_probe_info")] == [
        identity("").replace(',probe="gmail"', "")
    ]


def shown_now(made: Metrics) -> dict[str, float]:
    return series(at_once(made.probe(KEY)))


def counters(shown: dict[str, float]) -> set[str]:
    return {name for name in shown if name.split("{")[0].endswith(("_total", "_count"))}


UNFORESEEN = Failure(Phase.OPEN, Step.LOGIN, Reason.AUTH, "", "unexpected")


def test_a_failure_or_step_that_is_unexpected_is_counted() -> None:
    made = metrics()
    made.known(KEY, "gmail", PLAIN)
    name = 'mailtrip_failures_total{phase="open",reason="auth"}'
    assert name not in shown_now(made)
    spans = (
        Span(Phase.OPEN, Step.LOGIN, 0.0, 0.5),
        Span(Phase.OPEN, Step.CONNECT, 0.0, 0.5),
        Span(Phase.SEND, Step.RETRY, 0.0, 1.0),
    )
    junk = Arrival("Junk", "header", 6.0, 6.5, junk=True)
    strange = replace(SUCCESS, failure=UNFORESEEN, spans=spans, facts=(junk,))
    shown = finished(made, strange)
    assert shown[name] == 1
    assert shown['mailtrip_mailbox_step_duration_seconds_count{step="login"}'] == 1
    assert shown['mailtrip_last_mailbox_step_duration_seconds{step="connect"}'] == 0.5
    assert shown["mailtrip_retries_total"] == shown["mailtrip_junk_total"] == 1


def test_after_a_reload_series_are_those_of_the_new_parts_and_of_what_has_counted() -> None:
    made = metrics()
    finished(made, SUCCESS, FAILURE)
    made.known(KEY, "gmail", EXCHANGER)
    shown, fresh = shown_now(made), Metrics()
    fresh.known(KEY, "gmail", EXCHANGER)
    assert counters(shown) - counters(shown_now(fresh)) == {
        'mailtrip_mailbox_step_duration_seconds_count{step="login"}',
        'mailtrip_mailbox_step_duration_seconds_count{step="fetch"}',
    }
    assert counters(shown_now(fresh)) <= counters(shown)
    assert shown['mailtrip_failures_total{phase="send",reason="null_mx"}'] == 0
    assert shown['mailtrip_failures_total{phase="send",reason="rejected"}'] == 1
    assert shown["mailtrip_trips_total"] == 2
    assert shown['mailtrip_smtp_step_duration_seconds_count{step="data"}'] == 1
    assert shown["mailtrip_delivery_delay_seconds_count"] == 1
    assert not [name for name in shown if name.startswith("mailtrip_last_mailbox_step")]


def test_a_reload_to_a_module_without_a_mailbox_keeps_what_has_counted() -> None:
    made = metrics()
    made.known(KEY, "gmail", REFUSED)
    assert not {name for name in counters(shown_now(made)) if "delay" in name or "late" in name}
    made.known(KEY, "gmail", SUBMISSION)
    finished(made, SUCCESS)
    made.lost(KEY)
    made.known(KEY, "gmail", REFUSED)
    shown = shown_now(made)
    assert shown["mailtrip_lost_total"] == shown["mailtrip_delivery_delay_seconds_count"] == 1
    assert "mailtrip_late_total" not in shown


def test_without_step_histograms_the_newest_values_remain() -> None:
    made = Metrics(step_histograms=False)
    made.known(KEY, "gmail", SUBMISSION)
    shown = finished(made, SUCCESS)
    assert not [name for name in shown if "_step_duration_seconds_" in name]
    assert shown['mailtrip_last_smtp_step_duration_seconds{step="data"}'] == 0.2
    assert shown["mailtrip_send_duration_seconds_count"] == 1


def test_a_reload_takes_step_histograms_away_and_begins_them_at_0() -> None:
    made, name = metrics(), 'mailtrip_smtp_step_duration_seconds_count{step="data"}'
    assert finished(made, SUCCESS)[name] == 1
    made.step_histograms = False
    made.known(KEY, "gmail", SUBMISSION)
    assert name not in finished(made, SUCCESS)
    made.step_histograms = True
    made.known(KEY, "gmail", SUBMISSION)
    assert shown_now(made)[name] == 0


def test_a_reload_that_changes_nothing_renders_nothing() -> None:
    made = metrics()
    version = made._probes[KEY].version
    made.known(KEY, "gmail", SUBMISSION)
    assert made._probes[KEY].version == version


def test_after_a_reload_nothing_is_said_about_servers_that_are_no_longer_used() -> None:
    facts = (
        Exchanger("mx1.example.org", 10),
        TlsPolicy("dane", "enforce"),
        TlsSession(Leg.SEND, "TLSv1.2", "OLD", 2e9, 1.9e9),
        TlsSession(Leg.MAILBOX, "TLSv1.3", "NEW", 3e9, 3e9),
    )
    about_sender = {
        'mailtrip_mx_info{host="mx1.example.org",preference="10"}',
        'mailtrip_tls_policy_info{mode="enforce",policy="dane"}',
        "mailtrip_tls_policy_problem",
        'mailtrip_tls_info{cipher="OLD",leg="send",version="TLSv1.2"}',
        'mailtrip_tls_certificate_expiry_timestamp_seconds{leg="send"}',
        'mailtrip_tls_chain_expiry_timestamp_seconds{leg="send"}',
    }
    about_mailbox = {
        'mailtrip_tls_info{cipher="NEW",leg="mailbox",version="TLSv1.3"}',
        'mailtrip_tls_certificate_expiry_timestamp_seconds{leg="mailbox"}',
        'mailtrip_tls_chain_expiry_timestamp_seconds{leg="mailbox"}',
    }

    def about(made: Metrics) -> set[str]:
        ours = [name for name in shown_now(made) if name.startswith("mailtrip_")]
        return {name for name in ours if "_mx_info" in name or "_tls_" in name}

    made = metrics()
    finished(made, replace(SUCCESS, facts=facts))
    made.known(KEY, "another", replace(SUBMISSION, sorts_junk=False))
    assert about(made) == about_sender | about_mailbox
    made.known(KEY, "gmail", replace(SUBMISSION, sender="another server"))
    assert about(made) == about_mailbox
    finished(made, replace(SUCCESS, facts=facts))
    made.known(KEY, "gmail", replace(SUBMISSION, sender="another server", receiver="another"))
    assert about(made) == about_sender
    assert shown_now(made)["mailtrip_trips_total"] == 2


def test_the_newest_policy_is_shown_also_if_the_trip_failed() -> None:
    made = metrics()
    for policy in (
        TlsPolicy("dane", "enforce"),
        TlsPolicy("mta_sts", "testing", "no TLS"),
        TlsPolicy("none", "none"),
    ):
        finished(made, replace(FAILURE, facts=(policy,)))
        assert {name: value for name, value in shown_now(made).items() if "tls_policy" in name} == {
            f'mailtrip_tls_policy_info{{mode="{policy.mode}",policy="{policy.policy}"}}': 1,
            "mailtrip_tls_policy_problem": bool(policy.problem),
        }


@pytest.mark.parametrize("kept", [True, False])
def test_a_message_that_left_in_plain_text_ends_what_was_said_of_tls(*, kept: bool) -> None:
    """If the server took it; a trip that did not come so far says nothing about it."""
    made = metrics()
    tls = TlsSession(Leg.SEND, "TLSv1.2", "OLD", 2e9, 1.9e9)
    reply = Reply(451 if kept else 250, "words")
    finished(made, replace(SUCCESS, facts=(tls, Reply(250, "words"))))
    finished(made, replace(SUCCESS, facts=(reply,)))
    assert {name for name in shown_now(made) if name.startswith("mailtrip_tls_")} == (
        {
            'mailtrip_tls_info{cipher="OLD",leg="send",version="TLSv1.2"}',
            'mailtrip_tls_certificate_expiry_timestamp_seconds{leg="send"}',
            'mailtrip_tls_chain_expiry_timestamp_seconds{leg="send"}',
        }
        if kept
        else set()
    )


def test_the_end_of_a_chain_goes_when_it_is_not_verified_any_more() -> None:
    made, name = metrics(), 'mailtrip_tls_chain_expiry_timestamp_seconds{leg="send"}'
    verified = TlsSession(Leg.SEND, "TLSv1.3", "NEW", 2e9, 1.9e9)
    assert finished(made, replace(SUCCESS, facts=(verified,)))[name] == 1.9e9
    expired = TlsSession(Leg.SEND, "", "", 2e9, 1.8e9)
    assert finished(made, replace(SUCCESS, facts=(expired,)))[name] == 1.8e9
    unreadable = TlsSession(Leg.SEND, "", "", None)
    assert finished(made, replace(SUCCESS, facts=(unreadable,)))[name] == 1.8e9
    assert name not in finished(
        made, replace(SUCCESS, facts=(replace(verified, chain_expires_at=None),))
    )


def shown_results(facts: tuple[Fact, ...], scope: RoundTripScope = SUBMISSION) -> set[str]:
    made = metrics()
    made.known(SUCCESS.probe, "gmail", scope)
    arrival = Arrival("INBOX", "header", 6.0, 6.5)
    shown = finished(made, replace(SUCCESS, facts=(*facts, arrival)))
    return {name.partition("{")[2][:-1] for name in shown if "authentication_result" in name}


def test_results_of_our_own_are_those_that_can_become_an_alert() -> None:
    facts = (
        Authentication("spf", "fail"),
        Authentication("arc", "none"),
        SenderCheck("spf", "", "pass", "", ""),
        SenderCheck("dkim", "", "none", "", ""),
        SenderCheck("iprev", "", "fail", "", ""),
        SenderCheck("arc", "", "none", "", ""),
    )
    header = {
        'method="spf",result="fail",source="header"',
        'method="arc",result="none",source="header"',
    }
    local = 'method="spf",result="pass",source="local"'
    assert shown_results(facts) == {*header, local}
    required = replace(SUBMISSION, required=("dkim",))
    unsigned = 'method="dkim",result="none",source="local"'
    assert shown_results(facts, required) == {*header, local, unsigned}


def test_if_we_were_too_late_to_check_the_last_results_of_our_own_remain() -> None:
    made, arrival = metrics(), Arrival("INBOX", "header", 6.0, 6.5)
    own = SenderCheck("spf", "", "pass", "", "")
    finished(made, replace(SUCCESS, facts=(own, Authentication("spf", "pass"), arrival)))
    shown = finished(made, replace(SUCCESS, facts=(arrival,)))
    names = [name for name in shown if "authentication_result" in name]
    assert names == ['mailtrip_authentication_result{method="spf",result="pass",source="local"}']
    other = SenderCheck("spf", "", "fail", "", "")
    shown = finished(made, replace(SUCCESS, facts=(other, arrival)))
    names = [name for name in shown if "authentication_result" in name]
    assert names == ['mailtrip_authentication_result{method="spf",result="fail",source="local"}']


def exchangers(made: Metrics) -> dict[str, float]:
    return {
        name.removeprefix("mailtrip_exchanger_"): value
        for name, value in shown_now(made).items()
        if name.startswith("mailtrip_exchanger_")
    }


def test_each_exchanger_has_its_result_and_the_earliest_end_of_its_certificates() -> None:
    made = metrics()
    made.known(KEY, "gmail", replace(EXCHANGER, visits_each=True))
    finished(made, replace(SUCCESS, facts=VISITS))
    known = {
        'success{address="192.0.2.1",host="mx1.example.org"}': 1,
        'success{address="2001:db8::1",host="mx1.example.org"}': 0,
        'success{address="",host="mx3.example.org"}': 0,
        'certificate_expiry_timestamp_seconds{address="192.0.2.1",host="mx1.example.org"}': EARLIER,
        'certificate_expiry_timestamp_seconds{address="192.0.2.2",host="mx2.example.org"}': EXPIRES,
    }
    assert exchangers(made) == known
    finished(made, SUCCESS)  # which has tested none
    assert exchangers(made) == known
    made.visited(
        KEY, (replace(VISITS[0], success=None, tls=None), replace(VISITS[2], success=True))
    )
    assert exchangers(made) == {
        'success{address="192.0.2.1",host="mx1.example.org"}': 1,
        'success{address="192.0.2.2",host="mx2.example.org"}': 1,
        'certificate_expiry_timestamp_seconds{address="192.0.2.1",host="mx1.example.org"}': EARLIER,
        'certificate_expiry_timestamp_seconds{address="192.0.2.2",host="mx2.example.org"}': EXPIRES,
    }


def test_a_probe_that_does_not_test_them_has_none_of_their_series() -> None:
    made = metrics()
    finished(made, replace(SUCCESS, facts=VISITS))
    made.visited(KEY, VISITS)
    assert exchangers(made) == {}
