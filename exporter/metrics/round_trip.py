"""Outcome → series. The additional series of a round trip."""

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache

from exporter.core.availability.outage import Standing
from exporter.core.facts import (
    Arrival,
    Authentication,
    Client,
    Hop,
    LateArrival,
    SenderCheck,
    SpamScore,
)
from exporter.core.model import (
    Exchanger,
    ExchangerVisit,
    Fact,
    Outcome,
    PlaintextFallback,
    Reply,
    Span,
    TlsPolicy,
    TlsSession,
)
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.scope import RoundTripScope
from exporter.core.steps import Step
from exporter.mail.headers.authentication import METHODS
from exporter.metrics.accepted_message import AcceptedMessage
from exporter.metrics.blackbox import ip_version, lookup_time, session_of
from exporter.metrics.definitions import (
    MAILBOX_STEPS,
    OF_A_ROUND_TRIP,
    OF_EVERY_PROBE,
    SMTP_STEPS,
)
from exporter.metrics.outcome import FIRST, ProbeSeries
from exporter.metrics.series import Foreseen, Labels

_SENDING = "mailtrip_smtp_step_duration_seconds", "mailtrip_last_smtp_step_duration_seconds"
_MAILBOX = "mailtrip_mailbox_step_duration_seconds", "mailtrip_last_mailbox_step_duration_seconds"
"""The histogram and the gauge of the steps on one side."""

_OWN = "local"
"""The source of a result of authentication that is not in a header."""


OF_EACH_EXCHANGER = (
    "mailtrip_exchanger_success",
    "mailtrip_exchanger_certificate_expiry_timestamp_seconds",
)


@lru_cache(maxsize=256)
def _foreseen(scope: RoundTripScope, step_histograms: bool) -> Foreseen:
    """What can happen in trips of this scope, as series; the same for thousands of probes."""
    once = {
        "mailtrip_late_total": scope.arrives,
        "mailtrip_lost_total": scope.arrives,
        "mailtrip_duplicates_total": scope.looks,
        "mailtrip_bounces_total": scope.bounces,
        "mailtrip_unclear_total": scope.looks,
        "mailtrip_junk_total": scope.sorts_junk,
        "mailtrip_retries_total": scope.retries,
        "mailtrip_delivery_delay_seconds": scope.arrives,
        "mailtrip_round_trip_duration_seconds": scope.arrives,
        "mailtrip_tls_plaintext_fallback": scope.falls_back,
    }
    foreseen: dict[str, tuple[Labels, ...]] = {
        one.name: one.start for one in (*OF_EVERY_PROBE, *OF_A_ROUND_TRIP) if one.start
    }
    foreseen |= {name: ((),) for name, exists in once.items() if exists}
    foreseen["mailtrip_failures_total"] = tuple(
        (str(phase), str(reason)) for phase, reason in scope.failures
    )
    if step_histograms:
        for (histogram, _), steps, taken in (
            (_SENDING, SMTP_STEPS, scope.sending),
            (_MAILBOX, MAILBOX_STEPS, scope.mailbox),
        ):
            timed = [one for one in steps if one in taken and one.distribution]
            foreseen[histogram] = tuple((str(one),) for one in timed)
    return foreseen


class RoundTripSeries(ProbeSeries):
    """The series of a probe that makes round trips."""

    __slots__ = ("_accepted", "_scope", "_step_histograms")

    def __init__(self) -> None:
        super().__init__(OF_A_ROUND_TRIP)
        self._accepted: AcceptedMessage | None = None  # since a message was lost
        self._scope = RoundTripScope()
        self._step_histograms = True

    def configure(self, scope: RoundTripScope, *, step_histograms: bool) -> None:
        """Makes exist what can happen in its trips. What has counted remains, also if it cannot
        happen any more; histograms of steps that are not wanted go, and so does what is known about
        servers that it no longer uses."""
        before, self._scope, self._step_histograms = self._scope, scope, step_histograms
        can = replace(scope, mailboxes=(), sender=None, receiver=None)
        self.foresee(_foreseen(can, step_histograms))
        for (histogram, newest), taken in ((_SENDING, scope.sending), (_MAILBOX, scope.mailbox)):
            if not step_histograms:
                self.leave_out(histogram)
            self._leave_out_labelled(newest, {labels[0] for labels in self.numbers(newest)} - taken)
        if not scope.falls_back:
            self.leave_out("mailtrip_tls_plaintext_fallback")
        if not scope.visits_each or scope.sender != before.sender:
            for name in OF_EACH_EXCHANGER:
                self.leave_out(name)
        if scope.sender != before.sender:
            self.leave_out("mailtrip_mx_info")
            self.leave_out("mailtrip_tls_policy_info")
            self.leave_out("mailtrip_tls_policy_problem")
            self._leave_out_tls(Leg.SEND)
            self.leave_out("probe_ip_protocol")
            self.leave_out("probe_dns_lookup_time_seconds")
        if scope.receiver != before.receiver:
            self._leave_out_tls(Leg.MAILBOX)
        self._show_tls_as_blackbox()

    @property
    def mailboxes(self) -> tuple[str, ...]:
        return self._scope.mailboxes

    def _leave_out_tls(self, leg: Leg) -> None:
        self._leave_out_labelled("mailtrip_tls_info", {leg})
        self._leave_out_labelled("mailtrip_tls_certificate_expiry_timestamp_seconds", {leg})
        self._leave_out_labelled("mailtrip_tls_chain_expiry_timestamp_seconds", {leg})

    def _leave_out_labelled(self, name: str, words: Collection[str]) -> None:
        """Removes the values with one of these words as their first label."""
        self.leave_out(name, lambda labels: labels[0] in words)

    def finished(
        self, outcome: Outcome, standing: Standing = FIRST, *, traced: bool = False
    ) -> None:
        if outcome.failure and outcome.failure.reason is Reason.BOUNCED:
            self.add("mailtrip_bounces_total", 1)
        waits = [span.duration for span in outcome.spans if span.step is Step.RETRY]
        if waits:
            self.add("mailtrip_retries_total", len(waits))
        for span in outcome.spans:
            self._time(span, sum(waits))
        test = outcome.filter_test
        for fact in outcome.facts:
            if isinstance(fact, Arrival):
                if not test or test.may_arrive:
                    self._time_arrival(fact, outcome, traced)
                if fact.junk and not test:
                    self.add("mailtrip_junk_total", 1)
        super().finished(outcome, standing)

    def show(self, outcome: Outcome) -> None:
        super().show(outcome)
        self.replace(
            "mailtrip_leg_success", {(leg,): float(good) for leg, good in outcome.legs.items()}
        )
        self._show_facts(outcome.facts)
        AcceptedMessage.show(outcome, self)
        self._show_tls_as_blackbox()
        for name, value in (
            ("probe_ip_protocol", ip_version(outcome.facts)),
            ("probe_dns_lookup_time_seconds", lookup_time(outcome.spans)),
        ):
            if value is not None:
                self.ensure(name, value)
        self.visited(tuple(one for one in outcome.facts if isinstance(one, ExchangerVisit)))

    def visited(self, visits: tuple[ExchangerVisit, ...]) -> None:
        """Shows the exchangers that there are now. What is unknown of one remains as it was."""
        if not visits or not self._scope.visits_each:
            return
        before = [self.numbers(name) for name in OF_EACH_EXCHANGER]
        success, expiry = dict[Labels, float](), dict[Labels, float]()
        for visit in visits:
            labels = visit.host.lower(), visit.address
            tls = visit.tls
            ends = (tls.ends_above or tls.expires_at) if tls else None
            for shown, old, value in zip(
                (success, expiry), before, (visit.success, ends), strict=True
            ):
                if value is not None:
                    shown[labels] = float(value)
                elif visit.success is None and labels in old:
                    shown[labels] = old[labels]
        for name, shown in zip(OF_EACH_EXCHANGER, (success, expiry), strict=True):
            self.replace(name, shown)

    def lost(self, sent_at: float, facts: tuple[Fact, ...]) -> None:
        """Counts a message that was sent at that Unix time."""
        self.add("mailtrip_lost_total", 1)
        self._accepted = self._accepted or AcceptedMessage()
        self._accepted.lose(sent_at, facts, self)

    def late(self, trip: str, arrival: LateArrival, *, traced: bool = False) -> None:
        self.add("mailtrip_late_total", 1)
        delay, at = arrival.delay, arrival.at
        if delay is not None:
            self.observe("mailtrip_delivery_delay_seconds", delay, trip=trip, at=at, traced=traced)
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
            self._time_step(_SENDING, span.step, span.duration)
        elif span.phase is not Phase.SEND and span.step in MAILBOX_STEPS:
            self._time_step(_MAILBOX, span.step, span.duration)

    def _time_step(self, series: tuple[str, str], step: Step, duration: float) -> None:
        histogram, newest = series
        if self._step_histograms and step.distribution:
            self.observe(histogram, duration, step)
        self.set(newest, duration, step)

    def _time_arrival(self, arrival: Arrival, outcome: Outcome, traced: bool) -> None:
        if (delay := arrival.delay) is not None:
            trip, at = outcome.trip, outcome.finished_at
            self.observe("mailtrip_delivery_delay_seconds", delay, trip=trip, at=at, traced=traced)
            self.set("mailtrip_last_delivery_delay_seconds", delay)
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
                    if fact.accepts and not _sent_with_tls(facts):
                        self._leave_out_tls(Leg.SEND)
                case Exchanger():
                    self.replace("mailtrip_mx_info", {(fact.host, str(fact.preference)): 1.0})
                    self._show_fallback(
                        any(isinstance(other, PlaintextFallback) for other in facts)
                    )
                case TlsPolicy():
                    self.replace("mailtrip_tls_policy_info", {(fact.policy, fact.mode): 1.0})
                    self.set("mailtrip_tls_policy_problem", float(bool(fact.problem)))
                case TlsSession():
                    self._show_tls(fact)
                case Client():
                    self._show_client(fact)
                case Arrival():
                    self._show_place(fact)
                    self._show_hops([hop for hop in facts if isinstance(hop, Hop)])
                    self._show_judgements(facts)

    def _show_place(self, arrival: Arrival) -> None:
        """Shows where a message was found; an SMTP receiver has only one place."""
        place: dict[Labels, float] = {(arrival.folder, arrival.found_in): 1.0}
        self.replace("mailtrip_arrival_info", place if arrival.folder else {})

    def _show_hops(self, hops: list[Hop]) -> None:
        """Shows the newest hops of an arrived message; the last number counts all hops."""
        self.set("mailtrip_hops", hops[-1].number if hops else 0)
        delays: dict[Labels, float] = {
            (str(hop.number), hop.by): hop.delay for hop in hops if hop.delay is not None
        }
        skews: dict[Labels, float] = {(str(hop.number),): hop.skew for hop in hops if hop.skew}
        self.replace("mailtrip_hop_delay_seconds", delays)
        self.replace("mailtrip_hop_clock_skew_seconds", skews)

    def _show_judgements(self, facts: tuple[Fact, ...]) -> None:
        """Shows the verdicts on an arrived message: authentication and spam scores."""
        name = "mailtrip_authentication_result"
        own = [fact for fact in facts if isinstance(fact, SenderCheck)]
        shown: dict[Labels, float] = {
            (fact.method, fact.result, "header"): 1.0
            for fact in facts
            if isinstance(fact, Authentication)
        }
        shown |= {(fact.method, fact.result, _OWN): 1.0 for fact in own if self._is_shown(fact)}
        if not own:  # we ourselves were too late
            shown |= {labels: 1.0 for labels in self.numbers(name) if labels[-1] == _OWN}
        self.replace(name, shown)
        scores = [fact for fact in facts if isinstance(fact, SpamScore)]
        self.replace("mailtrip_spam_score", {(fact.scanner,): fact.score for fact in scores})

    def _is_shown(self, fact: SenderCheck) -> bool:
        """Whether a result of our own is a series: only those of the methods that receivers report,
        and `none` only if the method is required: most messages have no forwarder, and each series
        is multiplied by the number of probes."""
        return fact.method in METHODS and (
            fact.result != "none" or fact.method in self._scope.required
        )

    def _show_tls_as_blackbox(self) -> None:
        ends = [
            end
            for name in (
                "mailtrip_tls_certificate_expiry_timestamp_seconds",
                "mailtrip_tls_chain_expiry_timestamp_seconds",
            )
            for end in self.numbers(name).values()
        ]
        if ends:
            self.ensure("probe_ssl_earliest_cert_expiry", min(ends))
        else:
            self.leave_out("probe_ssl_earliest_cert_expiry")
        session = session_of(self.numbers("mailtrip_tls_info"))
        for place, name in enumerate(("probe_tls_version_info", "probe_tls_cipher_info")):
            self.replace(name, {session[place]: 1.0} if session else {})

    def _show_client(self, client: Client) -> None:
        """Shows the TLS of the connection on which our receiver got the message."""
        if client.tls_version:
            self._show_tls(TlsSession(Leg.MAILBOX, client.tls_version, client.tls_cipher, None))
        else:
            self._leave_out_tls(Leg.MAILBOX)

    def _show_fallback(self, fell_back: bool) -> None:
        if self._scope.falls_back:
            self.set("mailtrip_tls_plaintext_fallback", float(fell_back))

    def _show_tls(self, fact: TlsSession) -> None:
        others = {
            labels: 1.0 for labels in self.numbers("mailtrip_tls_info") if labels[0] != fact.leg
        }
        if fact.version:
            self.replace("mailtrip_tls_info", others | {(fact.leg, fact.version, fact.cipher): 1.0})
        if fact.expires_at is not None:
            self.set("mailtrip_tls_certificate_expiry_timestamp_seconds", fact.expires_at, fact.leg)
        if fact.chain_expires_at is not None:
            self.set("mailtrip_tls_chain_expiry_timestamp_seconds", fact.chain_expires_at, fact.leg)
        elif fact.version:  # it is not verified any more
            self._leave_out_labelled("mailtrip_tls_chain_expiry_timestamp_seconds", {fact.leg})


def _sent_with_tls(facts: tuple[Fact, ...]) -> bool:
    return any(isinstance(one, TlsSession) and one.leg is Leg.SEND for one in facts)
