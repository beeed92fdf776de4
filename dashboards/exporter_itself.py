"""The exporter itself: does it run, does it see its mailboxes, what does it cost. Only /metrics
knows."""

from dashboards.frame import STATUS, address, choice, dashboard, datasource
from dashboards.panels import (
    DATASOURCE,
    GREEN,
    RED,
    YELLOW,
    Json,
    bands,
    bars,
    lines,
    mapped,
    query,
    row,
    rows,
    stat,
    steps,
    table,
    worst,
)

HERE = 'job=~"$job", instance=~"$instance"'
ITS_PROBES = f'{HERE}, probe!=""'
BUILD = f"mailtrip_build_info{{{HERE}}}"
EACH = "{{instance}} · {{mailbox}}"


def at_a_glance() -> list[Json]:
    one_is_good = steps(RED, (1, GREEN))
    connected = f"mailtrip_mailbox_connected{{{HERE}}}"
    unwatched = f"1 - min_over_time({connected}[$__rate_interval])"
    badness = f"1 - avg_over_time({connected}[$__range] @ end())"
    return [
        stat(
            "Answers",
            "1 if Prometheus can scrape every chosen mailtrip, 0 if one does not answer.",
            f"min(up{{{HERE}}} and on (job, instance) last_over_time({BUILD}[1d]))",
            "none",
            mappings=mapped(("down", RED), ("up", GREEN)),
            thresholds=one_is_good,
        ),
        stat(
            "Configuration",
            "Whether the last reload of the configuration succeeded. If not, the previous"
            " one is in use.",
            f"min(mailtrip_config_last_reload_successful{{{HERE}}})",
            "none",
            mappings=mapped(("error", RED), ("OK", GREEN)),
            thresholds=one_is_good,
        ),
        stat(
            "Configuration read",
            "Time since the last successful load.",
            f"max(time() - mailtrip_config_last_reload_success_timestamp_seconds{{{HERE}}})",
            "s",
            color="fixed",
        ),
        stat(
            "Runs since",
            "Uptime of the process that was started last.",
            f"min(time() - process_start_time_seconds{{{HERE}}} and on (job, instance) {BUILD})",
            "s",
            color="fixed",
        ),
        stat(
            "Probes",
            "Probes on /metrics.",
            f"count(mailtrip_trips_total{{{ITS_PROBES}}})",
            color="fixed",
        ),
        stat(
            "Unwatched",
            "Mailboxes that are needed but cannot be opened, without those in planned maintenance.",
            f"count(mailtrip_mailbox_connected{{{HERE}}} == 0"
            f" unless mailtrip_mailbox_maintenance{{{HERE}}} == 1) or vector(0)",
            thresholds=steps(GREEN, (1, RED)),
        ),
        table(
            "Version",
            "The running version, and its Python version.",
            [rows(BUILD)],
            {"instance": "Instance", "job": "Job", "version": "mailtrip", "python": "Python"},
            width=12,
            height=5,
        ),
        bands(
            "Unwatched mailboxes",
            "A band for each mailbox while it is needed but cannot be watched, of which the log"
            " says why; the ten that were unwatched the longest.",
            [query(worst(unwatched, "job, instance, mailbox", badness), EACH)],
            height=5,
        ),
        table(
            "Why mailboxes are not watched",
            "In which step the newest attempt to open each of them failed, and why.",
            [rows(f"mailtrip_mailbox_failure_info{{{HERE}}}")],
            {
                "instance": "Instance",
                "mailbox": "Mailbox",
                "step": "Step",
                "reason": "Reason",
                "code": "Code",
            },
            width=12,
            height=5,
            defaults={"noValue": "None: all that are needed are watched"},
        ),
    ]


def mailboxes() -> list[Json]:
    def count(name: str, legend: str) -> list[Json]:
        return [query(f"increase({name}{{{HERE}}}[$__rate_interval])", legend)]

    return [
        row("In the mailboxes"),
        lines(
            "Messages in them",
            "At the last check. If it grows, the mailbox receives messages that mailtrip does not "
            "delete.",
            [query(f"mailtrip_mailbox_messages{{{HERE}}}", EACH)],
            "short",
        ),
        bars(
            "Deleted",
            "Probe messages that were deleted.",
            count("mailtrip_messages_deleted_total", EACH),
        ),
        bars(
            "Broken sessions",
            "Mailbox sessions that failed or were interrupted. A few in a day are normal: servers "
            "close what is idle.",
            count("mailtrip_mailbox_reconnects_total", EACH),
        ),
        bars(
            "Tokens that are not ours",
            "Messages whose token is invalid: another mailtrip in the same "
            "mailbox, damage, or a forger.",
            count("mailtrip_tokens_rejected_total", EACH + ": {{reason}}"),
        ),
    ]


def logins() -> list[Json]:
    certificates = f"mailtrip_client_certificate_expiry_timestamp_seconds{{{HERE}}} - time()"
    expiry = f"mailtrip_oauth2_token_expiry_timestamp_seconds{{{HERE}}} - time()"
    failures = f"increase(mailtrip_oauth2_refresh_failures_total{{{HERE}}}[$__rate_interval])"
    return [
        row("Logins with tokens (OAuth 2.0) and certificates"),
        lines(
            "Lifetime of tokens",
            "Remaining lifetime of the token of each account. It is renewed after three "
            "quarters of its life; nearer to 0, the identity provider does not give a new one.",
            [query(expiry, "{{instance}} · {{account}}")],
            "s",
        ),
        bars(
            "Failed token requests",
            "Failed requests for an OAuth 2.0 token, by reason. auth: the identity provider "
            "refuses; other reasons: it cannot be reached.",
            [query(failures, "{{instance}} · {{account}}: {{reason}}")],
        ),
        lines(
            "Lifetime of client certificates",
            "Remaining lifetime of each certificate that mailtrip presents to servers. At 0 most "
            "servers refuse it.",
            [query(certificates, "{{instance}} · {{file}}")],
            "s",
        ),
    ]


def work() -> list[Json]:
    trips = f"sum by (instance) (increase(mailtrip_trips_total{{{ITS_PROBES}}}[$__rate_interval]))"
    refused = f"increase(mailtrip_probe_requests_refused_total{{{HERE}}}[$__rate_interval])"
    return [
        row("Work and cost"),
        bars("Trips", "Finished trips of the probes on /metrics.", [query(trips, "{{instance}}")]),
        lines(
            "Trips in progress",
            "Of the probes on /metrics. If it grows steadily, trips start but do not finish.",
            [
                query(
                    f"sum by (instance) (mailtrip_trips_in_flight{{{ITS_PROBES}}})", "{{instance}}"
                )
            ],
            "short",
        ),
        lines(
            "Trips start late by",
            "Delay of the longest-waiting due trip. Permanently above 0 means that mailtrip is "
            "overloaded.",
            [query(f"mailtrip_scheduler_lag_seconds{{{HERE}}}", "{{instance}}")],
            "s",
            thresholds=steps(GREEN, (5, YELLOW), (60, RED)),
        ),
        lines(
            "Processor",
            "Cores in use; 1 is one core.",
            [
                query(
                    f"rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval]) and on (job,"
                    f" instance) {BUILD}",
                    "{{instance}}",
                )
            ],
            "short",
            thresholds=steps(GREEN, (0.7, YELLOW), (0.95, RED)),
        ),
        lines(
            "Memory",
            "Resident memory of the process.",
            [
                query(
                    f"process_resident_memory_bytes{{{HERE}}} and on (job, instance) {BUILD}",
                    "{{instance}}",
                )
            ],
            "bytes",
        ),
        lines(
            "Open files",
            "Open connections and files, and their limit.",
            [
                query(f"process_open_fds{{{HERE}}} and on (job, instance) {BUILD}", "{{instance}}"),
                query(
                    f"process_max_fds{{{HERE}}} and on (job, instance) {BUILD}",
                    "{{instance}}, most",
                ),
            ],
            "short",
            custom={"scaleDistribution": {"type": "log", "log": 10}},
            defaults={},
        ),
        lines(
            "Scrape",
            "How long Prometheus waits for /metrics.",
            [
                query(
                    f"scrape_duration_seconds{{{HERE}}} and on (job, instance) {BUILD}",
                    "{{instance}}",
                )
            ],
        ),
        bars(
            "Refused requests to /probe",
            "By reason: an unknown module, or a target that is not allowed.",
            [query(refused, "{{instance}}: {{reason}}")],
            height=6,
        ),
        bars(
            "Traces",
            "Trips that were sent to the collector as traces, and those that were dropped: the"
            " collector was down for too long (queue_full), or has not taken them (rejected)."
            " Empty without tracing.",
            [
                query(
                    f"increase(mailtrip_traces_exported_total{{{HERE}}}[$__rate_interval])",
                    "{{instance}}: exported",
                ),
                query(
                    f"increase(mailtrip_traces_dropped_total{{{HERE}}}[$__rate_interval])",
                    "{{instance}}: {{reason}}",
                ),
            ],
            height=6,
        ),
    ]


def build() -> Json:
    variables = [
        datasource(),
        choice("job", "Job", "mailtrip_build_info", many=True),
        choice("instance", "Instance", 'mailtrip_build_info{job=~"$job"}', many=True),
        address(BUILD),
    ]
    restarts: Json = {
        "name": "Restarts",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "blue",
        "step": "1m",
        "expr": (
            f"time() - process_start_time_seconds{{{HERE}}} < 120 and on (job, instance) {BUILD}"
        ),
        "titleFormat": "{{instance}} was started",
        "textFormat": "",
        "tagKeys": "job",
    }
    return dashboard(
        "exporter",
        "The exporter itself",
        "Process, mailboxes and resource usage",
        [*at_a_glance(), *mailboxes(), *logins(), *work()],
        variables=variables,
        annotations=[restarts],
        links=[STATUS],
    )
