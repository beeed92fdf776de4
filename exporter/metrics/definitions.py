"""Every series of mailtrip, once: name, type, labels, help. `docs/metrics.md` is made from this
table."""

from dataclasses import dataclass
from typing import Literal

from exporter.core.model import Phase, Reason, Step

SMTP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
DELAY_BUCKETS = (
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1800.0,
    3600.0,
)
QUERY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

SMTP_STEPS = (
    Step.RESOLVE,
    Step.CONNECT,
    Step.GREETING,
    Step.EHLO,
    Step.TLS,
    Step.AUTH,
    Step.MAIL,
    Step.RCPT,
    Step.DATA,
    Step.PROGRAM,
)
MAILBOX_STEPS = (
    Step.RESOLVE,
    Step.CONNECT,
    Step.TLS,
    Step.GREETING,
    Step.LOGIN,
    Step.SELECT,
    Step.FETCH,
    Step.DELETE,
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A family of series."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    start: tuple[tuple[str, ...], ...] = ()  # label values that exist, at 0, from the start


def _counter(name: str, text: str) -> Definition:
    return Definition(name, "counter", text, start=((),))


_CONNECTION = (
    Reason.DNS,
    Reason.CONNECT,
    Reason.TIMEOUT,
    Reason.TLS,
    Reason.AUTH,
    Reason.UNAVAILABLE,
)
_SESSION = (Reason.REJECTED, Reason.DISCONNECTED, Reason.PROTOCOL, Reason.INTERNAL)
_REFUSALS = (Reason.NULL_MX, Reason.DEFERRED, Reason.MAILBOX_FULL, Reason.PROGRAM, Reason.ACCEPTED)
_FAILURES = {
    Phase.OPEN: (*_CONNECTION, *_SESSION),
    Phase.SEND: (*_CONNECTION, *_SESSION, *_REFUSALS),
    Phase.DELIVER: (*_CONNECTION, *_SESSION, Reason.OVERDUE, Reason.BOUNCED),
    Phase.VERIFY: (Reason.JUNK, Reason.ALTERED, Reason.INTERNAL),
    Phase.DELETE: (*_CONNECTION, *_SESSION),
}
ROUND_TRIP_FAILURES = tuple(
    (str(phase), str(reason)) for phase, reasons in _FAILURES.items() for reason in reasons
)
BLOCKLIST_FAILURES = tuple(
    (str(Phase.VERIFY), str(reason))
    for reason in (
        Reason.DNS,
        Reason.NULL_MX,
        Reason.TIMEOUT,
        Reason.LISTED,
        Reason.UNUSABLE,
        Reason.INTERNAL,
    )
)
NO_LABELS: tuple[tuple[str, ...], ...] = ((),)

ONLY_ON_PROBE = (
    Definition(
        "probe_success",
        "gauge",
        "1 if the newest finished trip succeeded, else 0; absent before the first",
    ),
    Definition("probe_duration_seconds", "gauge", "How long the newest finished trip took in all"),
)

OF_EVERY_PROBE = (
    Definition("mailtrip_success", "gauge", "1 if the newest finished trip succeeded, else 0"),
    Definition("mailtrip_trips_total", "counter", "Finished trips", start=NO_LABELS),
    Definition(
        "mailtrip_failures_total",
        "counter",
        "Failed trips, by where they broke and why",
        ("phase", "reason"),
    ),
    Definition(
        "mailtrip_last_failure_info",
        "gauge",
        "1 while the newest trip is a failure: where it broke and why",
        ("phase", "step", "reason", "code"),
    ),
    Definition("mailtrip_trips_in_flight", "gauge", "Trips under way", start=NO_LABELS),
    Definition(
        "mailtrip_last_trip_timestamp_seconds", "gauge", "When the newest trip finished, Unix time"
    ),
    Definition(
        "mailtrip_last_success_timestamp_seconds",
        "gauge",
        "When the newest successful trip finished, Unix time",
    ),
)

OF_A_ROUND_TRIP = (
    Definition(
        "mailtrip_leg_success",
        "gauge",
        "Verdict of the newest trip on a leg of the path that it reached: "
        "send, mailbox or delivery",
        ("leg",),
    ),
    Definition(
        "mailtrip_smtp_step_duration_seconds",
        "histogram",
        "Time of each step of sending",
        ("step",),
        SMTP_BUCKETS,
        tuple((str(step),) for step in SMTP_STEPS),
    ),
    Definition(
        "mailtrip_send_duration_seconds",
        "histogram",
        "Time of sending in all, until the message was accepted",
        (),
        SMTP_BUCKETS,
        NO_LABELS,
    ),
    Definition(
        "mailtrip_mailbox_step_duration_seconds",
        "histogram",
        "Time of each step with the mailbox",
        ("step",),
        SMTP_BUCKETS,
        tuple((str(step),) for step in MAILBOX_STEPS),
    ),
    Definition(
        "mailtrip_delivery_delay_seconds",
        "histogram",
        "Time from the server's final 250 to the message seen "
        "in the mailbox, late arrivals included",
        (),
        DELAY_BUCKETS,
        NO_LABELS,
    ),
    Definition(
        "mailtrip_round_trip_duration_seconds",
        "histogram",
        "Time from the start of sending to the message seen in the mailbox",
        (),
        DELAY_BUCKETS,
        NO_LABELS,
    ),
    Definition(
        "mailtrip_last_smtp_step_duration_seconds",
        "gauge",
        "Newest time of each step of sending",
        ("step",),
    ),
    Definition("mailtrip_last_send_duration_seconds", "gauge", "Newest time of sending in all"),
    Definition("mailtrip_last_delivery_delay_seconds", "gauge", "Newest delivery delay"),
    Definition("mailtrip_last_round_trip_duration_seconds", "gauge", "Newest round-trip time"),
    _counter("mailtrip_late_total", "Messages that came after their trip had failed as overdue"),
    _counter("mailtrip_lost_total", "Messages that did not come within late_after either"),
    _counter("mailtrip_duplicates_total", "Second and further copies of a message"),
    _counter(
        "mailtrip_bounces_total",
        "Delivery status notifications that say that a message was not delivered",
    ),
    _counter(
        "mailtrip_unclear_total",
        "Messages about a probe message that are neither that message nor a notice "
        "that can be understood",
    ),
    _counter("mailtrip_junk_total", "Messages that were filed as spam"),
    _counter("mailtrip_retries_total", "Messages sent again because an exchanger deferred them"),
    Definition(
        "mailtrip_smtp_reply_code",
        "gauge",
        "Code of the reply that decided the newest "
        "sending: the final one after DATA, or the one that ended the attempt",
    ),
    Definition(
        "mailtrip_mx_info",
        "gauge",
        "The exchanger that took the newest message",
        ("host", "preference"),
    ),
    Definition(
        "mailtrip_tls_plaintext_fallback",
        "gauge",
        "1 if the newest message left in plain text, since TLS with "
        "the exchanger that offers it is broken, else 0; absent where that cannot be",
    ),
    Definition(
        "mailtrip_tls_info",
        "gauge",
        "TLS of the newest trip, on the leg send or mailbox",
        ("leg", "version", "cipher"),
    ),
    Definition(
        "mailtrip_tls_certificate_expiry_timestamp_seconds",
        "gauge",
        "End of the server's leaf certificate, Unix time",
        ("leg",),
    ),
    Definition(
        "mailtrip_arrival_info",
        "gauge",
        "Where the newest message was found",
        ("folder", "found_in"),
    ),
    Definition(
        "mailtrip_hops",
        "gauge",
        "Servers that took the newest message on its way, by its Received headers",
    ),
    Definition(
        "mailtrip_hop_delay_seconds",
        "gauge",
        "Time from the hop before to this one, by the clocks of the two, "
        "in whole seconds; at least 0 and at most the whole trip",
        ("hop", "by"),
    ),
    Definition(
        "mailtrip_hop_clock_skew_seconds",
        "gauge",
        "By how much this hop's clock is behind that of the hop "
        "before, at least; negative if it is ahead; 0 if the two may agree",
        ("hop",),
    ),
    Definition(
        "mailtrip_authentication_result",
        "gauge",
        "1; what the receiver says of spf, dkim, dmarc or arc in "
        "the newest message (option trusted_authserv_id)",
        ("method", "result"),
    ),
    Definition(
        "mailtrip_spam_score",
        "gauge",
        "Spam score of the newest message, on the scanner's own scale: rspamd, "
        "spamassassin, amavis, stalwart, microsoft, barracuda or other",
        ("scanner",),
    ),
)

OF_A_BLOCKLIST_CHECK = (
    Definition(
        "mailtrip_dnsbl_listed",
        "gauge",
        "1 if the list lists the address (or the domain), 0 if it does not; "
        "absent while nobody knows",
        ("list", "address"),
    ),
    Definition(
        "mailtrip_dnsbl_code_info",
        "gauge",
        "1; a code that the list answered with",
        ("list", "address", "code"),
    ),
    Definition(
        "mailtrip_dnsbl_list_usable",
        "gauge",
        "1 if the list can be believed, 0 if it refuses us, does not "
        "answer or fails its self-test (RFC 5782)",
        ("list",),
    ),
    Definition(
        "mailtrip_dnsbl_query_failures_total",
        "counter",
        "Questions that had no answer, self-tests included",
        ("list", "reason"),
    ),
    Definition(
        "mailtrip_dnsbl_query_duration_seconds",
        "histogram",
        "Time of a question, from our packet to the answer; what was remembered is no question",
        (),
        QUERY_BUCKETS,
        NO_LABELS,
    ),
)

OF_A_PROBE = (*OF_EVERY_PROBE, *OF_A_ROUND_TRIP, *OF_A_BLOCKLIST_CHECK)

OF_THE_EXPORTER = (
    Definition(
        "mailtrip_mailbox_connected",
        "gauge",
        "0 while a mailbox is needed and cannot be watched, else 1",
        ("mailbox",),
    ),
    Definition(
        "mailtrip_mailbox_reconnects_total",
        "counter",
        "Sessions with a mailbox that failed or broke",
        ("mailbox",),
    ),
    Definition(
        "mailtrip_mailbox_messages",
        "gauge",
        "Messages in the mailbox when it was last looked into",
        ("mailbox",),
    ),
    Definition(
        "mailtrip_messages_deleted_total",
        "counter",
        "Messages of ours that were deleted",
        ("mailbox",),
    ),
    Definition(
        "mailtrip_tokens_rejected_total",
        "counter",
        "Messages with a token that is not to be believed",
        ("mailbox", "reason"),
    ),
    Definition(
        "mailtrip_oauth2_token_expiry_timestamp_seconds",
        "gauge",
        "When the newest token of a username ends, "
        "Unix time; of several the one that ends first, absent before there was one",
        ("account",),
    ),
    Definition(
        "mailtrip_oauth2_refresh_failures_total",
        "counter",
        "Requests for a token that failed",
        ("account", "reason"),
    ),
    Definition(
        "mailtrip_probe_requests_refused_total",
        "counter",
        "Requests to /probe that were refused",
        ("reason",),
    ),
    Definition(
        "mailtrip_config_last_reload_successful",
        "gauge",
        "1 if the configuration was read without a mistake the last time",
    ),
    Definition(
        "mailtrip_config_last_reload_success_timestamp_seconds",
        "gauge",
        "When it was last read without a mistake, Unix time",
    ),
    Definition("mailtrip_build_info", "gauge", "1; what is running", ("version", "python")),
)
