"""Outcome → series. The additional series of a round trip."""

from exporter.core.facts import Arrival, Authentication, Hop, SpamScore
from exporter.core.model import Exchanger, Fact, Outcome, PlaintextFallback, Reply, Span, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.metrics.definitions import (
    MAILBOX_STEPS,
    OF_A_ROUND_TRIP,
    ROUND_TRIP_FAILURES,
    SMTP_STEPS,
)
from exporter.metrics.outcome import ProbeSeries
from exporter.metrics.series import Labels


class RoundTripSeries(ProbeSeries):
    """The series of a probe that makes round trips."""

    def __init__(self) -> None:
        super().__init__(OF_A_ROUND_TRIP, ROUND_TRIP_FAILURES)

    def finished(self, outcome: Outcome) -> None:
        self.add(
            "mailtrip_bounces_total",
            float(bool(outcome.failure and outcome.failure.reason is Reason.BOUNCED)),
        )
        waits = [span.duration for span in outcome.spans if span.step is Step.RETRY]
        self.add("mailtrip_retries_total", len(waits))
        for span in outcome.spans:
            self._time(span, sum(waits))
        for fact in outcome.facts:
            if isinstance(fact, Arrival):
                self._time_arrival(fact, outcome)
                self.add("mailtrip_junk_total", float(fact.junk))
        super().finished(outcome)

    def show(self, outcome: Outcome) -> None:
        super().show(outcome)
        self.replace(
            "mailtrip_leg_success", {(leg,): float(good) for leg, good in outcome.legs.items()}
        )
        self._show_facts(outcome.facts)

    def can_fall_back(self, can: bool) -> None:
        """Whether its messages may leave in plain text when TLS is broken."""
        before = self.numbers["mailtrip_tls_plaintext_fallback"].get((), 0.0)
        self.replace("mailtrip_tls_plaintext_fallback", {(): before} if can else {})

    def late(self, delay: float | None) -> None:
        self.add("mailtrip_late_total", 1)
        if delay is not None:
            self.observe("mailtrip_delivery_delay_seconds", delay)
            self.set("mailtrip_last_delivery_delay_seconds", delay)

    def _time(self, span: Span, waited: float) -> None:
        """Observes durations. Time `waited` for a greylisting exchanger is not latency, nor is our
        own lateness."""
        if not span.precise:
            return
        if span.step is None:
            if span.phase is Phase.SEND and span.reason is None:
                latency = span.duration - waited
                self.observe("mailtrip_send_duration_seconds", latency)
                self.set("mailtrip_last_send_duration_seconds", latency)
        elif span.phase is Phase.SEND and span.step in SMTP_STEPS:
            self.observe("mailtrip_smtp_step_duration_seconds", span.duration, span.step)
            self.set("mailtrip_last_smtp_step_duration_seconds", span.duration, span.step)
        elif span.phase is not Phase.SEND and span.step in MAILBOX_STEPS:
            self.observe("mailtrip_mailbox_step_duration_seconds", span.duration, span.step)

    def _time_arrival(self, arrival: Arrival, outcome: Outcome) -> None:
        if arrival.delay is not None:
            trip, at = outcome.trip, outcome.finished_at
            self.observe("mailtrip_delivery_delay_seconds", arrival.delay, trip=trip, at=at)
            self.set("mailtrip_last_delivery_delay_seconds", arrival.delay)
        if arrival.round_trip is not None:
            self.observe("mailtrip_round_trip_duration_seconds", arrival.round_trip)
            self.set("mailtrip_last_round_trip_duration_seconds", arrival.round_trip)

    def _show_facts(self, facts: tuple[Fact, ...]) -> None:
        """Shows facts; those that the newest trip did not reach keep the values of an earlier
        trip."""
        for fact in facts:
            match fact:
                case Reply():
                    self.set("mailtrip_smtp_reply_code", fact.code)
                case Exchanger():
                    self.replace("mailtrip_mx_info", {(fact.host, str(fact.preference)): 1.0})
                    self._show_fallback(
                        any(isinstance(other, PlaintextFallback) for other in facts)
                    )
                case TlsSession():
                    self._show_tls(fact)
                case Arrival():
                    self.replace("mailtrip_arrival_info", {(fact.folder, fact.found_in): 1.0})
                    self._show_hops([hop for hop in facts if isinstance(hop, Hop)])
                    self._show_judgements(facts)

    def _show_hops(self, hops: list[Hop]) -> None:
        """Shows the newest hops of an arrived message; the last number counts all hops."""
        self.set("mailtrip_hops", hops[-1].number if hops else 0)
        delays: dict[Labels, float] = {
            (str(hop.number), hop.by): hop.delay for hop in hops if hop.delay is not None
        }
        skews: dict[Labels, float] = {
            (str(hop.number),): hop.skew for hop in hops if hop.skew is not None
        }
        self.replace("mailtrip_hop_delay_seconds", delays)
        self.replace("mailtrip_hop_clock_skew_seconds", skews)

    def _show_judgements(self, facts: tuple[Fact, ...]) -> None:
        """Shows the receiver's verdicts on an arrived message: authentication and spam scores."""
        results = [fact for fact in facts if isinstance(fact, Authentication)]
        self.replace(
            "mailtrip_authentication_result", {(fact.method, fact.result): 1.0 for fact in results}
        )
        scores = [fact for fact in facts if isinstance(fact, SpamScore)]
        self.replace("mailtrip_spam_score", {(fact.scanner,): fact.score for fact in scores})

    def _show_fallback(self, fell_back: bool) -> None:
        if self.numbers["mailtrip_tls_plaintext_fallback"]:
            self.set("mailtrip_tls_plaintext_fallback", float(fell_back))
        if fell_back:
            others = {
                labels: 1.0 for labels in self.numbers["mailtrip_tls_info"] if labels[0] != Leg.SEND
            }
            self.replace("mailtrip_tls_info", others)

    def _show_tls(self, fact: TlsSession) -> None:
        others = {
            labels: 1.0 for labels in self.numbers["mailtrip_tls_info"] if labels[0] != fact.leg
        }
        if fact.version:
            self.replace("mailtrip_tls_info", others | {(fact.leg, fact.version, fact.cipher): 1.0})
        if fact.expires_at is not None:
            self.set("mailtrip_tls_certificate_expiry_timestamp_seconds", fact.expires_at, fact.leg)
