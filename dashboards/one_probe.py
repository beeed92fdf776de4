"""One probe: everything that its trips say."""

from dashboards.frame import (
    ONE,
    STATUS,
    TRIPS,
    dashboard,
    failures,
    identity,
    maintenance,
    outages,
    probes,
)
from dashboards.panels import (
    GREEN,
    GREY,
    RED,
    VERDICT,
    YELLOW,
    Json,
    bands,
    bars,
    colored,
    column,
    lines,
    logarithmic,
    query,
    row,
    rows,
    stat,
    steps,
    table,
)
from exporter.metrics.definitions import STEP_BUCKETS

DELAY = "probe:mailtrip_delivery_delay_seconds"
SEND = "probe:mailtrip_send_duration_seconds"
LEGS = {"send": RED, "delivery": "orange", "mailbox": "purple"}
EXEMPLARS = {"exemplar": True}
DAY = 86400


NOT_PLANNED = 'planned="false"'


def of(series: str, matchers: str = "") -> str:
    return f"{series}{{{', '.join(filter(None, (ONE, matchers)))}}}"


def slow(histogram: str) -> str:
    """The ratio of observations above the first bound of the steps' buckets."""
    bound = f'le="{STEP_BUCKETS[0]}"'
    return (
        f"1 - increase({of(f'{histogram}_bucket', bound)}[1d])"
        f" / ignoring (le) (increase({of(f'{histogram}_count')}[1d]) > 0)"
    )


LIMITS = ("", "4.0", "60.0", "300.0", "+Inf")
BETWEEN = ("up to 4 s", "4 s to 1 min", "1 to 5 min", "more than 5 min")


def _between(lower: str, upper: str) -> str:
    """How many messages took longer than the one bound, and not longer than the other."""

    def until(bound: str) -> str:
        series = of("mailtrip_delivery_delay_seconds_bucket", f'le="{bound}"')
        return f"increase({series}[$__rate_interval])"

    return f"{until(upper)} - ignoring (le) {until(lower)}" if lower else until(upper)


def at_a_glance() -> list[Json]:
    share = steps(RED, (0.99, YELLOW), (0.999, GREEN))
    return [
        stat(
            "State",
            "Whether the newest finished trip succeeded.",
            of("mailtrip_success"),
            "none",
            mappings=VERDICT,
            links=[TRIPS],
            thresholds=steps(RED, (1, GREEN)),
            width=3,
        ),
        stat(
            "Failing for",
            "Time since the start of the first failed trip.",
            f"time() - {of('mailtrip_outage_start_timestamp_seconds')}",
            "s",
            defaults={"noValue": "–"},
            thresholds=steps(YELLOW, (600, RED)),
            width=3,
        ),
        stat(
            "Last success",
            "Time since the last successful trip.",
            f"time() - {of('mailtrip_last_success_timestamp_seconds')}",
            "s",
            defaults={"noValue": "never"},
            thresholds=steps(GREEN, (7200, YELLOW), (DAY, RED)),
            width=3,
        ),
        stat(
            "Failures",
            "Trips that have failed since the newest success.",
            of("mailtrip_consecutive_failures"),
            thresholds=steps(GREEN, (1, YELLOW), (2, RED)),
            width=3,
        ),
        stat(
            "OK, 1 day",
            "Ratio of trips of the last 24 hours that succeeded.",
            of("probe:mailtrip_trips:success_ratio_1d"),
            "percentunit",
            defaults={"noValue": "–", "decimals": 2},
            thresholds=share,
            width=3,
        ),
        stat(
            "Newest delay",
            "From the server's final 250 to the message seen in the mailbox.",
            of("mailtrip_last_delivery_delay_seconds"),
            "s",
            defaults={"noValue": "None yet"},
            thresholds=steps(GREEN, (60, YELLOW), (300, RED)),
            width=3,
        ),
        stat(
            "Outages",
            "Outages of the last 30 days that have ended, without planned ones.",
            f"increase({of('mailtrip_outages_total', NOT_PLANNED)}[30d])",
            thresholds=steps(GREEN, (1, YELLOW)),
            width=3,
        ),
        stat(
            "Down",
            "Duration of all outages of the last 30 days, without planned ones. 0.1 % of 30 days is"
            " 43 minutes.",
            f"increase({of('mailtrip_outage_seconds_total', NOT_PLANNED)}[30d])",
            "s",
            thresholds=steps(GREEN, (300, YELLOW), (2592, RED)),
            width=3,
        ),
        table(
            "Newest failure",
            "Where and why the newest trip failed; empty if it succeeded. docs/faults.md of "
            "mailtrip has this line and what to look at first.",
            [rows(of("mailtrip_last_failure_info"))],
            {"phase": "Phase", "step": "Step", "reason": "Reason", "code": "Code"},
            width=12,
            height=5,
            links=[TRIPS],
            defaults={"noValue": "None: the newest trip succeeded"},
        ),
        table(
            "Accepted, and not as it should be",
            "The first message of the outage that a server had accepted, by the name that the log "
            "of that server has for it; and the first that was lost within a day.",
            [rows(of("mailtrip_accepted_message_info"))],
            {"reason": "Reason", "server": "Accepted by", "queue": "Queue name"},
            width=12,
            height=5,
            links=[TRIPS],
            defaults={"noValue": "None"},
        ),
        *(
            stat(
                f"Available, {days} days",
                "Ratio of the time without an outage. Planned outages are left out, and time"
                " without data.",
                of(f"probe:mailtrip_availability:ratio_{days}d"),
                "percentunit",
                defaults={"noValue": "–", "decimals": 3},
                thresholds=share,
                width=3,
                height=5,
            )
            for days in (7, 30)
        ),
        bands(
            "Failing leg",
            "From when to when which leg of the path failed: send is the server that takes our"
            " message, delivery all between it and the mailbox.",
            [
                query(f"1 - min_over_time({leg}[$__rate_interval])", name)
                for name, leg in (
                    (name, of("mailtrip_leg_success", f'leg="{name}"')) for name in LEGS
                )
            ],
            tuple(LEGS.values()),
            width=6,
            height=5,
        ),
    ]


def delay() -> list[Json]:
    whole = "mailtrip_round_trip_duration_seconds"
    mean = f"increase({of(f'{whole}_sum')}[1h]) / (increase({of(f'{whole}_count')}[1h]) > 0)"
    # The recorded median is exact; what follows `or` makes Grafana ask for the exemplars, too.
    half = (
        f"({of(f'{DELAY}:p50_1h')} or histogram_quantile(0.5,"
        f" increase({of('mailtrip_delivery_delay_seconds_bucket')}[1h])) >= 0) + 0"
    )
    return [
        row("Delivery"),
        lines(
            "Delay",
            "From the server's final 250 to the mailbox. Half, 9 of 10 and 99 of 100 messages were"
            " quicker; usual is the mean of a week's daily medians. An exemplar leads to its trip.",
            [
                query(half, "half, 1 hour", **EXEMPLARS),
                query(of(f"{DELAY}:p90_1h"), "9 of 10, 1 hour"),
                query(of(f"{DELAY}:p99_1d"), "99 of 100, 1 day"),
                query(of(f"{DELAY}:usual"), "usual"),
            ],
            links=[TRIPS],
            defaults={},
            **logarithmic(steps(GREEN, (300, RED))),
        ),
        bars(
            "Messages by delay",
            "How many messages took how long, late ones included.",
            [
                query(_between(lower, upper), legend)
                for lower, upper, legend in zip(LIMITS, LIMITS[1:], BETWEEN, strict=False)
            ],
            overrides=[
                column(legend, color={"mode": "fixed", "fixedColor": color})
                for legend, color in zip(BETWEEN, (GREEN, YELLOW, "orange", RED), strict=True)
            ],
            links=[TRIPS],
        ),
        lines(
            "Round trip",
            "From the start of sending to the message seen: the newest of each, and an hour's"
            " mean.",
            [
                query(of("mailtrip_last_round_trip_duration_seconds"), "round trip"),
                query(mean, "round trip, mean"),
                query(of("mailtrip_last_delivery_delay_seconds"), "delivery"),
                query(of("mailtrip_last_send_duration_seconds"), "sending"),
            ],
            defaults={},
            **logarithmic(steps(GREEN, (300, RED))),
        ),
        lines(
            "Delay of each hop",
            "From the Received headers of the newest message, in whole seconds. A server that "
            "keeps a message shows at the hop after it.",
            [query(of("mailtrip_hop_delay_seconds"), "{{hop}} {{by}}")],
            links=[TRIPS],
            **logarithmic(linear_below=1),  # 0 is frequent
        ),
    ]


def sending() -> list[Json]:
    newest = of("mailtrip_last_smtp_step_duration_seconds")
    return [
        row("Conversations"),
        lines(
            "SMTP, by command",
            "Duration of each step of the newest sending.",
            [query(newest, "{{step}}")],
            **logarithmic(),
        ),
        lines(
            "Sending in all",
            "Half, 9 of 10 and 99 of 100 messages were taken by the server within this time.",
            [
                query(of(f"{SEND}:p50_1h"), "half, 1 hour"),
                query(of(f"{SEND}:p90_1h"), "9 of 10, 1 hour"),
                query(of(f"{SEND}:p99_1d"), "99 of 100, 1 day"),
            ],
            defaults={},
            **logarithmic(steps(GREEN, (10, RED))),
        ),
        lines(
            "SMTP, by command, 9 of 10",
            "90 % quantile of the newest durations of each step, over the last hour.",
            [query(f"quantile_over_time(0.9, {newest}[1h])", "{{step}}")],
            width=8,
            **logarithmic(),
        ),
        lines(
            "Mailbox, by step",
            "Duration of each step of the newest mailbox session.",
            [query(of("mailtrip_last_mailbox_step_duration_seconds"), "{{step}}")],
            width=8,
            **logarithmic(),
        ),
        lines(
            "Slow steps",
            "Ratio of the last day's logins, transfers, reads and deletions that took longer than"
            " 0.25 s. Empty with step_histograms: false.",
            [
                query(slow("mailtrip_smtp_step_duration_seconds"), "{{step}}"),
                query(slow("mailtrip_mailbox_step_duration_seconds"), "{{step}}"),
            ],
            "percentunit",
            width=8,
            defaults={"min": 0, "max": 1},
        ),
        stat(
            "Last SMTP reply",
            "The code that decided the newest sending: 2xx is accepted, 4xx try again later, 5xx "
            "never.",
            of("mailtrip_smtp_reply_code"),
            "none",
            defaults={"noValue": "None"},
            height=6,
            thresholds=steps(GREEN, (400, YELLOW), (500, RED)),
        ),
        stat(
            "Servers passed",
            "Servers on the path of the newest message.",
            of("mailtrip_hops"),
            "none",
            defaults={"noValue": "Not arrived"},
            height=6,
            color="fixed",
        ),
        table(
            "Exchanger",
            "The exchanger that accepted the newest message, if mailtrip sends by MX itself.",
            [rows(of("mailtrip_mx_info"))],
            {"host": "Host", "preference": "Preference"},
            width=8,
            height=6,
            defaults={"noValue": "Not sent by MX"},
        ),
        stat(
            "TLS policy",
            "The policy for TLS that the newest trip found, and how it was followed. Red if"
            " something is wrong with it.",
            f"{of('mailtrip_tls_policy_info')} + ignoring(policy, mode) group_left"
            f" {of('mailtrip_tls_policy_problem')}",
            "none",
            height=6,
            thresholds=steps(GREEN, (2, RED)),
            text="name",
            legend="{{policy}}, {{mode}}",
            defaults={"noValue": "Not asked for"},
        ),
        stat(
            "Plain text",
            "1 if the newest message was sent in plain text because TLS with the exchanger failed.",
            of("mailtrip_tls_plaintext_fallback"),
            "none",
            height=6,
            thresholds=steps(GREEN, (1, RED)),
            defaults={"noValue": "–"},
        ),
        table(
            "Each exchanger",
            "Whether the newest message through each exchanger arrived (1) or not (0), and when its"
            " certificate, or one above it, expires. Needs `each: true`.",
            [
                rows(of("mailtrip_exchanger_success")),
                rows(f"{of('mailtrip_exchanger_certificate_expiry_timestamp_seconds')} - time()"),
            ],
            {
                "host": "Host",
                "address": "Address",
                "Value #A": "Arrived",
                "Value #B": "Certificate expires in",
            },
            width=24,
            height=7,
            unit="s",
            defaults={"noValue": "Only one exchanger is tested"},
            overrides=[
                column("Arrived", unit="none", custom__width=90),
                colored(
                    "Arrived",
                    mappings=[
                        {
                            "type": "value",
                            "options": {
                                "1": {"text": "yes", "color": GREEN},
                                "0": {"text": "no", "color": RED},
                            },
                        }
                    ],
                ),
            ],
        ),
    ]


def security() -> list[Json]:
    leaf = of("mailtrip_tls_certificate_expiry_timestamp_seconds")
    chain = of("mailtrip_tls_chain_expiry_timestamp_seconds")
    expiry = f"({chain} < {leaf} or {leaf}) - time()"
    return [
        row("Security and placement"),
        table(
            "TLS",
            "TLS version and cipher of the newest trip with each server.",
            [rows(of("mailtrip_tls_info"))],
            {"leg": "Leg", "version": "Version", "cipher": "Cipher"},
            width=8,
            defaults={"noValue": "No TLS"},
            height=6,
            overrides=[column("Leg", custom__width=75), column("Version", custom__width=75)],
        ),
        stat(
            "Certificates expire in",
            "Time until the servers' certificates expire, or one above them in their chain, if that"
            " is sooner.",
            expiry,
            "s",
            width=4,
            defaults={"noValue": "None"},
            height=6,
            thresholds=steps(RED, (3 * DAY, YELLOW), (14 * DAY, GREEN)),
            text="value_and_name",
            legend="{{leg}}",
        ),
        table(
            "Authentication",
            "Results for the newest message: SPF, DKIM, DMARC, ARC. Checked by mailtrip (local; "
            "only if there is something to check), and by the receiver (header; needs "
            "trusted_authserv_id).",
            [rows(of("mailtrip_authentication_result"))],
            {"method": "Method", "result": "Result", "source": "Checked by"},
            width=6,
            defaults={"noValue": "Not reported"},
            height=6,
            overrides=[
                colored(
                    "Result",
                    mappings=[
                        {
                            "type": "value",
                            "options": {
                                "pass": {"color": GREEN},
                                "fail": {"color": RED},
                                "softfail": {"color": YELLOW},
                                "permerror": {"color": RED},
                                "temperror": {"color": YELLOW},
                                "none": {"color": GREY},
                                "neutral": {"color": GREY},
                                "policy": {"color": GREY},
                            },
                        }
                    ],
                )
            ],
        ),
        table(
            "Placement",
            "The folder in which the newest message was found, and how it was found.",
            [rows(of("mailtrip_arrival_info"))],
            {"folder": "Folder", "found_in": "Found in"},
            width=6,
            defaults={"noValue": "No folders"},
            height=6,
        ),
        lines(
            "Spam score",
            "Of the newest message, on the scanner's own scale.",
            [query(of("mailtrip_spam_score"), "{{scanner}}")],
            "none",
            defaults={"noValue": "Not scored"},
            height=7,
        ),
        table(
            "Hops",
            "The servers that the newest message passed, by their own headers, and how far each"
            " clock is behind the one before.",
            [rows(of("mailtrip_hop_delay_seconds")), rows(clock_skew())],
            {"hop": "Hop", "by": "Server", "Value #A": "Delay", "Value #B": "Clock"},
            width=12,
            height=7,
            unit="s",
            defaults={"noValue": "Not arrived"},
            sort=[{"displayName": "Hop", "desc": False}],
            overrides=[column("Hop", unit="none", custom__width=60)],
        ),
    ]


def clock_skew() -> str:
    """The skew of each hop, 0 where clocks may agree: that has no series."""
    delay = of("mailtrip_hop_delay_seconds")
    return f"{of('mailtrip_hop_clock_skew_seconds')} or 0 * max without (by) ({delay})"


def irregularities() -> list[Json]:
    counters = {
        "late": "late",
        "lost": "lost",
        "bounces": "bounced",
        "junk": "junk",
        "duplicates": "duplicate",
        "retries": "retried",
        "unclear": "unclear",
        "planned_trips": "in planned maintenance",
        "planned_failures": "failed in planned maintenance",
    }
    counted = [
        query(f"increase({of(f'mailtrip_{name}_total')}[$__rate_interval])", legend)
        for name, legend in counters.items()
    ]
    why = f"increase({of('mailtrip_failures_total')}[$__rate_interval]) > 0"
    return [
        row("What went wrong"),
        bars(
            "Late, lost, bounced, junk, duplicate, sent again",
            "Messages. Late: after timeout. Lost: not arrived a day later.",
            counted,
            links=[TRIPS],
        ),
        bars(
            "Failures by place and reason",
            "Failed trips, by phase and reason.",
            [query(why, "{{phase}}: {{reason}}")],
            links=[TRIPS],
        ),
    ]


def build() -> Json:
    one = probes("mailtrip_delivery_delay_seconds_count", many=False)
    return dashboard(
        "one-probe",
        "One probe",
        "Everything that the trips of one probe say",
        [*at_a_glance(), *delay(), *sending(), *security(), *irregularities()],
        variables=[*one, *identity()],
        annotations=[outages(ONE), failures(ONE), maintenance(ONE)],
        links=[TRIPS, STATUS],
    )
