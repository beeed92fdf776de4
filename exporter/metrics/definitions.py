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
        "Earliest expiry of the certificates of all TLS servers of the trip, Unix time",
    ),
    Definition(
        "probe_tls_version_info",
        "gauge",
        "1; the TLS version of the sending session, otherwise of the mailbox session",
        ("version",),
    ),
    Definition(
        "probe_tls_cipher_info",
        "gauge",
        "1; the TLS cipher of the sending session, otherwise of the mailbox session, as OpenSSL"
        " names it",
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
        "Duration of the DNS lookups before the message was sent",
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
        "1; module, target and mailbox of the probe; the mailbox is empty if the probe needs none",
        ("module", "target", "mailbox"),
    ),
    Definition(
        "mailtrip_matrix_info",
        "gauge",
        "1; sender and recipient of a probe that belongs to a matrix; absent for other probes",
        ("matrix", "from", "to"),
    ),
    Definition("mailtrip_success", "gauge", "1 if the newest finished trip succeeded, else 0"),
    Definition(
        "mailtrip_trips_total",
        "counter",
        "Finished trips, without early rechecks after a failure and without trips in planned"
        " maintenance",
        start=NO_LABELS,
    ),
    Definition(
        "mailtrip_failures_total",
        "counter",
        "Failed trips of mailtrip_trips_total, by phase and reason",
        ("phase", "reason"),
    ),
    Definition(
        "mailtrip_maintenance",
        "gauge",
        "1 while the probe is in a window of planned maintenance, else 0; absent if no window"
        " concerns it",
    ),
    Definition(
        "mailtrip_planned_trips_total",
        "counter",
        "Trips that finished in planned maintenance; not in mailtrip_trips_total",
    ),
    Definition(
        "mailtrip_planned_failures_total",
        "counter",
        "Trips that failed in planned maintenance; not in mailtrip_failures_total",
    ),
    Definition(
        "mailtrip_consecutive_failures",
        "gauge",
        "Failed trips since the last success, rechecks included",
        start=NO_LABELS,
    ),
    Definition(
        "mailtrip_outage_start_timestamp_seconds",
        "gauge",
        "Start of the current outage (its first failed trip), Unix time; absent without an outage",
    ),
    Definition(
        "mailtrip_outages_total",
        "counter",
        "Outages that have ended. An outage lasts from the start of the first failed trip to the"
        " start of the next successful one",
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
        "1 while the newest trip has failed: phase, step, reason and code of the failure",
        ("phase", "step", "reason", "code"),
    ),
    Definition("mailtrip_trips_in_flight", "gauge", "Trips in progress", start=NO_LABELS),
    Definition(
        "mailtrip_last_trip_timestamp_seconds", "gauge", "End of the newest trip, Unix time"
    ),
    Definition(
        "mailtrip_last_success_timestamp_seconds",
        "gauge",
        "End of the newest successful trip, Unix time",
    ),
)

OF_A_ROUND_TRIP = (
    Definition(
        "mailtrip_leg_success",
        "gauge",
        "1 if the newest trip succeeded on the leg send, delivery or mailbox, else 0; absent"
        " if the trip did not reach the leg",
        ("leg",),
    ),
    Definition(
        "mailtrip_smtp_step_duration_seconds",
        "histogram",
        "Duration of the sending steps in which the server works: login and message",
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
        "Duration of the steps of the mailbox session in which the server works: login and later",
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
        "1 while trips fail after a server accepted the message: name of the server, and queue ID"
        " there. This is the first message of the outage with this `reason`; for `lost`, the first"
        " lost message of the last day. Absent if the server reported no queue ID",
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
        "Messages that refer to a probe message, but are neither this message nor a"
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
        "1; the TLS policy that the newest trip found, if `tls` requests one: dane, mta_sts or"
        " none. The mode is enforce, encrypt (no TLSA record is usable), testing, unavailable or"
        " none",
        ("policy", "mode"),
    ),
    Definition(
        "mailtrip_tls_policy_problem",
        "gauge",
        "1 if the TLS policy has a problem that did not stop the newest message, else 0: the server"
        " does not match a policy in testing mode, or the download of the policy failed",
    ),
    Definition(
        "mailtrip_exchanger_success",
        "gauge",
        "1 if the newest message through this address of this exchanger arrived, else 0; absent"
        " while this is unknown. Only with `each`, at most 20 addresses. The label `address` is"
        " empty if the exchanger has no address",
        ("host", "address"),
    ),
    Definition(
        "mailtrip_exchanger_certificate_expiry_timestamp_seconds",
        "gauge",
        "Earliest known expiry in the certificate chain of this exchanger, Unix time; only with"
        " `each`",
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
        " absent if the chain is not verified",
        ("leg",),
    ),
    Definition(
        "mailtrip_arrival_info",
        "gauge",
        "1; the folder of the newest message; absent with the SMTP receiver, which has no folders",
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
        "Time from the previous hop to this one, by the clocks of both, in whole seconds; at least"
        " 0 and at most the duration of the trip",
        ("hop", "by"),
    ),
    Definition(
        "mailtrip_hop_clock_skew_seconds",
        "gauge",
        "Minimum clock skew of this hop: positive if its clock is behind the clock of the previous"
        " hop, negative if it is ahead; absent if both clocks may agree",
        ("hop",),
    ),
    Definition(
        "mailtrip_authentication_result",
        "gauge",
        "1; the SPF, DKIM, DMARC or ARC result of the newest message: from the receiver (source"
        " header, option trusted_authserv_id) or from mailtrip's own check (source local). The own"
        " check has the result none only if `require` names the method",
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
        "1 if the list lists the address (or the domain), else 0; absent while this is unknown",
        ("list", "address"),
    ),
    Definition(
        "mailtrip_dnsbl_code_info",
        "gauge",
        "1; a return code of the list for this address (or domain)",
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
        "Arrival of the last heartbeat according to the mailbox, Unix time; absent before the"
        " first",
    ),
)

OF_A_PROBE = (*OF_EVERY_PROBE, *OF_A_ROUND_TRIP, *OF_A_BLOCKLIST_CHECK, *OF_A_HEARTBEAT)

OF_THE_EXPORTER = (
    Definition(
        "mailtrip_scheduler_lag_seconds",
        "gauge",
        "Delay of the longest-waiting due trip, 0 if none waits; permanently above 0 means that"
        " mailtrip is overloaded",
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
        "1 while the mailbox is needed and not connected: step, reason and code of the newest"
        " failed attempt",
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
        "1 while all probes of the mailbox are in planned maintenance, else 0; absent unless each"
        " of these probes has a maintenance window",
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
        "Deleted messages: probe messages, and heartbeats with the option `delete`",
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
        "Expiry of a client certificate for servers or identity providers, Unix time; absent if"
        " the file cannot be read",
        ("file",),
    ),
    Definition(
        "mailtrip_oauth2_token_expiry_timestamp_seconds",
        "gauge",
        "Expiry of the newest OAuth 2.0 token of a username, Unix time; the earliest expiry if the"
        " username has several tokens, absent before the first token",
        ("account",),
    ),
    Definition(
        "mailtrip_oauth2_refresh_failures_total",
        "counter",
        "Failed requests for an OAuth 2.0 token",
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
        "Traces that the collector accepted; absent without `tracing`",
    ),
    Definition(
        "mailtrip_traces_dropped_total",
        "counter",
        "Traces that were dropped: queue_full (the collector was down too long) or rejected (by"
        " the collector); absent without `tracing`",
        ("reason",),
    ),
    Definition(
        "mailtrip_config_last_reload_successful",
        "gauge",
        "1 if the last attempt to load the configuration succeeded, else 0",
    ),
    Definition(
        "mailtrip_config_last_reload_success_timestamp_seconds",
        "gauge",
        "Last time the configuration was loaded successfully, Unix time",
    ),
    Definition(
        "mailtrip_external_url_info",
        "gauge",
        "1; address of mailtrip's pages, from the option --web.external-url; absent without it",
        ("url",),
    ),
    Definition(
        "mailtrip_build_info", "gauge", "1; versions of mailtrip and Python", ("version", "python")
    ),
)
