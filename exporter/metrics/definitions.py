"""The definitions of all series: name, type, labels, help. `docs/metrics.md` is generated from
them."""

from dataclasses import dataclass
from typing import Literal

from exporter.core.availability.delays import BOUNDS
from exporter.core.phases import Phase
from exporter.core.reasons import Reason, Trait
from exporter.core.steps import Step, Timed

SEND_BUCKETS = (0.5, 10.0, 30.0)
STEP_BUCKETS = (0.25,)
ROUND_TRIP_BUCKETS = (300.0,)
QUERY_BUCKETS = (0.005, 0.02, 0.1, 0.5, 2.0)

SMTP_STEPS = tuple(step for step in Step if Timed.SENDING in step.timed)
MAILBOX_STEPS = tuple(step for step in Step if Timed.MAILBOX in step.timed)
"""The steps whose newest duration is shown; some have a histogram, too (`Step.distribution`)."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A family of series."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    # Label values that exist, at 0, from the start. Of a round trip they depend on what its sender
    # and mailbox can do (`RoundTripSeries`).
    start: tuple[tuple[str, ...], ...] = ()


BLOCKLIST_FAILURES = tuple(
    (str(Phase.VERIFY), str(reason))
    for reason in Reason
    if Trait.OF_A_BLOCKLIST_CHECK in reason.traits
)
NO_LABELS: tuple[tuple[str, ...], ...] = ((),)

OF_BLACKBOX = (
    Definition(
        "probe_ssl_earliest_cert_expiry",
        "gauge",
        "Unix time at which the first certificate expires, of all servers of the trip that use TLS",
    ),
    Definition(
        "probe_tls_version_info",
        "gauge",
        "1; the TLS version of the session that sends, else of that with the mailbox: TLS 1.3",
        ("version",),
    ),
    Definition(
        "probe_tls_cipher_info",
        "gauge",
        "1; the cipher of that session, by its name in OpenSSL",
        ("cipher",),
    ),
    Definition(
        "probe_ip_protocol",
        "gauge",
        "4 or 6: the IP version of the connection to the server that messages are sent to",
    ),
    Definition(
        "probe_dns_lookup_time_seconds",
        "gauge",
        "The time of the DNS lookups before the message was sent",
    ),
)
"""Of round trips, by the names that blackbox_exporter gives them, so that rules for it hold here.
As there, they are absent without TLS, or if no connection is made."""

ONLY_ON_PROBE = (
    Definition(
        "probe_success",
        "gauge",
        "1 if the newest finished trip succeeded, else 0; absent before the first",
    ),
    Definition("probe_duration_seconds", "gauge", "Total duration of the newest finished trip"),
    Definition("probe_timeout_seconds", "gauge", "The module's timeout"),
    *OF_BLACKBOX,
)

OF_EVERY_PROBE = (
    Definition(
        "mailtrip_probe_info",
        "gauge",
        "1; the module and the target of the probe, and the mailbox in which it awaits its"
        " messages, empty if it awaits none",
        ("module", "target", "mailbox"),
    ),
    Definition(
        "mailtrip_matrix_info",
        "gauge",
        "1; the place of the probe in a matrix of senders and recipients; absent if it is of none",
        ("matrix", "from", "to"),
    ),
    Definition("mailtrip_success", "gauge", "1 if the newest finished trip succeeded, else 0"),
    Definition(
        "mailtrip_trips_total",
        "counter",
        "Finished trips, without those that followed a failure before the interval was over, and"
        " those in planned maintenance",
        start=NO_LABELS,
    ),
    Definition(
        "mailtrip_failures_total",
        "counter",
        "Those that failed, by phase and reason",
        ("phase", "reason"),
    ),
    Definition(
        "mailtrip_maintenance",
        "gauge",
        "1 while the probe is in a window of planned maintenance, else 0; absent if no window is"
        " for it",
    ),
    Definition(
        "mailtrip_planned_trips_total",
        "counter",
        "Trips that finished in a window of planned maintenance; mailtrip_trips_total is without"
        " them",
    ),
    Definition(
        "mailtrip_planned_failures_total",
        "counter",
        "Those that failed; mailtrip_failures_total is without them",
    ),
    Definition(
        "mailtrip_consecutive_failures",
        "gauge",
        "Trips that failed since the newest success, however soon they followed",
        start=NO_LABELS,
    ),
    Definition(
        "mailtrip_outage_start_timestamp_seconds",
        "gauge",
        "When the first failed trip of the outage that lasts started, Unix time; absent while there"
        " is none",
    ),
    Definition(
        "mailtrip_outages_total",
        "counter",
        "Outages that have ended: from the start of a failed trip to that of the next that"
        " succeeded",
        ("planned",),
        start=(("false",),),
    ),
    Definition(
        "mailtrip_outage_seconds_total",
        "counter",
        "Duration of outages, counted with each failed trip",
        ("planned",),
        start=(("false",),),
    ),
    Definition(
        "mailtrip_last_failure_info",
        "gauge",
        "1 while the newest trip is a failure: where and why it failed",
        ("phase", "step", "reason", "code"),
    ),
    Definition("mailtrip_trips_in_flight", "gauge", "Trips in progress", start=NO_LABELS),
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
        "1 if the newest trip succeeded on the leg send, delivery or mailbox, else 0; absent"
        " if it did not reach the leg",
        ("leg",),
    ),
    Definition(
        "mailtrip_smtp_step_duration_seconds",
        "histogram",
        "Duration of the steps of sending in which the server works: the login, the message",
        ("step",),
        STEP_BUCKETS,
    ),
    Definition(
        "mailtrip_send_duration_seconds",
        "histogram",
        "Total duration of sending, until the message was accepted",
        (),
        SEND_BUCKETS,
        NO_LABELS,
    ),
    Definition(
        "mailtrip_mailbox_step_duration_seconds",
        "histogram",
        "Duration of the steps of the mailbox session in which the server works: all from the"
        " login on",
        ("step",),
        STEP_BUCKETS,
    ),
    Definition(
        "mailtrip_delivery_delay_seconds",
        "histogram",
        "Time from the server's final 250 to the message seen "
        "in the mailbox, late arrivals included",
        (),
        BOUNDS,
    ),
    Definition(
        "mailtrip_round_trip_duration_seconds",
        "histogram",
        "Time from the start of sending to the message seen in the mailbox",
        (),
        ROUND_TRIP_BUCKETS,
    ),
    Definition(
        "mailtrip_last_smtp_step_duration_seconds",
        "gauge",
        "Newest duration of each step of sending",
        ("step",),
    ),
    Definition(
        "mailtrip_last_mailbox_step_duration_seconds",
        "gauge",
        "Newest duration of each step of the mailbox session",
        ("step",),
    ),
    Definition("mailtrip_last_send_duration_seconds", "gauge", "Newest total duration of sending"),
    Definition("mailtrip_last_delivery_delay_seconds", "gauge", "Newest delivery delay"),
    Definition("mailtrip_last_round_trip_duration_seconds", "gauge", "Newest round-trip time"),
    Definition(
        "mailtrip_late_total",
        "counter",
        "Messages that arrived after their trip had failed as overdue",
    ),
    Definition("mailtrip_lost_total", "counter", "Messages that did not arrive within late_after"),
    Definition(
        "mailtrip_accepted_message_info",
        "gauge",
        "1 while trips fail after a server has accepted the message: that server, and the name that"
        " the message has in its queue. It is the first message of the outage with this `reason`;"
        " `lost`: the first that was lost within a day. Absent if the server named none",
        ("reason", "server", "queue"),
    ),
    Definition("mailtrip_duplicates_total", "counter", "Additional copies of a message"),
    Definition(
        "mailtrip_bounces_total",
        "counter",
        "Delivery status notifications that report a failed delivery",
    ),
    Definition(
        "mailtrip_unclear_total",
        "counter",
        "Messages that refer to a probe message, but are neither that message nor a"
        " recognized notification",
    ),
    Definition("mailtrip_junk_total", "counter", "Messages that were filed as spam"),
    Definition(
        "mailtrip_retries_total",
        "counter",
        "Messages sent again because an exchanger deferred them",
    ),
    Definition(
        "mailtrip_smtp_reply_code",
        "gauge",
        "Reply code that decided the newest sending: the final one after DATA, or the one"
        " that ended the attempt",
    ),
    Definition(
        "mailtrip_mx_info",
        "gauge",
        "The exchanger that accepted the newest message",
        ("host", "preference"),
    ),
    Definition(
        "mailtrip_tls_plaintext_fallback",
        "gauge",
        "1 if the newest message was sent in plain text because TLS with the exchanger"
        " failed, else 0; absent if the module cannot fall back to plain text",
    ),
    Definition(
        "mailtrip_tls_policy_info",
        "gauge",
        "The policy for TLS that the newest trip found, if `tls` asks for one: dane, mta_sts or"
        " none. The mode is enforce, encrypt (no TLSA record is usable), testing, unavailable or"
        " none",
        ("policy", "mode"),
    ),
    Definition(
        "mailtrip_tls_policy_problem",
        "gauge",
        "1 if something is wrong with the policy for TLS, though the newest message did not have to"
        " be kept back for it, else 0: a policy in testing that is not met, or that cannot be"
        " downloaded",
    ),
    Definition(
        "mailtrip_exchanger_success",
        "gauge",
        "1 if the newest message through this address of this exchanger arrived, else 0; only with"
        " `each`, at most 20. Absent while it is unknown. The address is empty if the name has"
        " none",
        ("host", "address"),
    ),
    Definition(
        "mailtrip_exchanger_certificate_expiry_timestamp_seconds",
        "gauge",
        "Earliest expiry known of the certificate of this exchanger and of those above it, Unix"
        " time; only with `each`",
        ("host", "address"),
    ),
    Definition(
        "mailtrip_tls_info",
        "gauge",
        "TLS version and cipher of the newest trip, on the leg send or mailbox",
        ("leg", "version", "cipher"),
    ),
    Definition(
        "mailtrip_tls_certificate_expiry_timestamp_seconds",
        "gauge",
        "Expiry of the server's leaf certificate, Unix time",
        ("leg",),
    ),
    Definition(
        "mailtrip_tls_chain_expiry_timestamp_seconds",
        "gauge",
        "Earliest expiry in the server's certificate chain, from the leaf to the root, Unix time;"
        " absent if it is not verified",
        ("leg",),
    ),
    Definition(
        "mailtrip_arrival_info",
        "gauge",
        "Where the newest message was found; absent in the SMTP receiver, which has no folders",
        ("folder", "found_in"),
    ),
    Definition(
        "mailtrip_hops",
        "gauge",
        "Servers on the path of the newest message, according to its Received headers",
    ),
    Definition(
        "mailtrip_hop_delay_seconds",
        "gauge",
        "Time from the previous hop to this one, by their clocks, in whole seconds; at least"
        " 0 and at most the duration of the trip",
        ("hop", "by"),
    ),
    Definition(
        "mailtrip_hop_clock_skew_seconds",
        "gauge",
        "Minimum clock skew of this hop: positive if its clock is behind that of the previous"
        " hop, negative if it is ahead; absent if they may agree",
        ("hop",),
    ),
    Definition(
        "mailtrip_authentication_result",
        "gauge",
        "1; the result for spf, dkim, dmarc or arc of the newest message, of the receiver (source"
        " header, option trusted_authserv_id) or of mailtrip's own check (source local; none is"
        " absent there, unless `require` names the method)",
        ("method", "result", "source"),
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
        "1 if the list lists the address (or the domain), 0 if it does not; absent while unknown",
        ("list", "address"),
    ),
    Definition(
        "mailtrip_dnsbl_code_info",
        "gauge",
        "1; a code that the list returned",
        ("list", "address", "code"),
    ),
    Definition(
        "mailtrip_dnsbl_list_usable",
        "gauge",
        "1 if the list is usable, 0 if it refuses our queries, does not answer or fails its"
        " self-test (RFC 5782)",
        ("list",),
    ),
    Definition(
        "mailtrip_dnsbl_query_failures_total",
        "counter",
        "DNSBL queries without an answer, self-tests included",
        ("list", "reason"),
    ),
    Definition(
        "mailtrip_dnsbl_query_duration_seconds",
        "histogram",
        "DNSBL query latency; cached answers are not observed",
        (),
        QUERY_BUCKETS,
        NO_LABELS,
    ),
)

OF_A_HEARTBEAT = (
    Definition(
        "mailtrip_heartbeat_last_timestamp_seconds",
        "gauge",
        "When the last heartbeat came, as the mailbox says, Unix time; absent if none has been"
        " seen",
    ),
)

OF_A_PROBE = (*OF_EVERY_PROBE, *OF_A_ROUND_TRIP, *OF_A_BLOCKLIST_CHECK, *OF_A_HEARTBEAT)

OF_THE_EXPORTER = (
    Definition(
        "mailtrip_scheduler_lag_seconds",
        "gauge",
        "How late the trip is that has waited for its start for the longest time, 0 if none waits:"
        " above 0 for long, mailtrip is overloaded",
    ),
    Definition(
        "mailtrip_mailbox_connected",
        "gauge",
        "0 while the mailbox is needed and not connected, else 1",
        ("mailbox",),
    ),
    Definition(
        "mailtrip_mailbox_failure_info",
        "gauge",
        "1 while the mailbox is needed and not connected: in which step the newest attempt failed,"
        " and why",
        ("mailbox", "step", "reason", "code"),
    ),
    Definition(
        "mailtrip_mailbox_reconnects_total",
        "counter",
        "Mailbox sessions that failed or were interrupted",
        ("mailbox",),
    ),
    Definition(
        "mailtrip_mailbox_maintenance",
        "gauge",
        "1 while all probes that await messages in the mailbox are in a window of planned"
        " maintenance, else 0; absent if not all of them have one",
        ("mailbox",),
    ),
    Definition(
        "mailtrip_mailbox_messages",
        "gauge",
        "Messages in the mailbox when it was last polled",
        ("mailbox",),
    ),
    Definition(
        "mailtrip_messages_deleted_total",
        "counter",
        "Probe messages that were deleted, and heartbeats (`delete`)",
        ("mailbox",),
    ),
    Definition(
        "mailtrip_tokens_rejected_total",
        "counter",
        "Messages with an invalid token",
        ("mailbox", "reason"),
    ),
    Definition(
        "mailtrip_client_certificate_expiry_timestamp_seconds",
        "gauge",
        "Expiry of a certificate of our own that servers or identity providers ask for, Unix time;"
        " absent if the file cannot be read",
        ("file",),
    ),
    Definition(
        "mailtrip_oauth2_token_expiry_timestamp_seconds",
        "gauge",
        "Expiry of the newest token of a username, Unix time; the earliest if there are"
        " several, absent before the first",
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
        "mailtrip_traces_exported_total",
        "counter",
        "Traces that the collector has taken; absent without `tracing`",
    ),
    Definition(
        "mailtrip_traces_dropped_total",
        "counter",
        "Traces that were dropped: queue_full while the collector was down, rejected by it; absent"
        " without `tracing`",
        ("reason",),
    ),
    Definition(
        "mailtrip_config_last_reload_successful",
        "gauge",
        "1 if the configuration was loaded successfully the last time, else 0",
    ),
    Definition(
        "mailtrip_config_last_reload_success_timestamp_seconds",
        "gauge",
        "When the configuration was last loaded successfully, Unix time",
    ),
    Definition(
        "mailtrip_external_url_info",
        "gauge",
        "1; where the pages of mailtrip are, by --web.external-url; absent without it",
        ("url",),
    ),
    Definition(
        "mailtrip_build_info", "gauge", "1; versions of mailtrip and Python", ("version", "python")
    ),
)
