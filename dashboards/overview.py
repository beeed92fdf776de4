"""Mail overview: what works, what does not, since when, and which part is to blame."""

from dashboards.frame import (
    FROM_SERIES,
    MANY,
    ONE_PROBE,
    STATUS,
    TRIPS_OF_ROW,
    addressed,
    dashboard,
    failures,
    maintenance,
    outages,
    probes,
)
from dashboards.objective import OBJECTIVE
from dashboards.panels import (
    BLUE,
    GREEN,
    GREY,
    ITS_PROBE,
    MOST_CURVES,
    RED,
    VERDICT,
    YELLOW,
    Json,
    bands,
    bars,
    colored,
    column,
    highest,
    lines,
    listed,
    logarithmic,
    mapped,
    named,
    query,
    row,
    rows,
    stat,
    steps,
    table,
    worst,
)

PLANNED = f"on ({ITS_PROBE}) mailtrip_maintenance == 1"
FAILING = f"mailtrip_success{{{MANY}}} == 0"


def _fails_on(leg: str) -> str:
    return f'max without (leg) (mailtrip_leg_success{{{MANY}, leg="{leg}"}} == 0)'


STATE = " or ".join(
    (
        f"({FAILING} and mailtrip_maintenance == 1) + 4",
        f"{_fails_on('send')} + 1",
        f"{_fails_on('delivery')} + 2",
        f"{_fails_on('mailbox')} + 3",
        f"5 * mailtrip_success{{{MANY}}}",
    )
)
STATES = mapped(
    ("failed", "dark-red"),
    ("send failed", RED),
    ("delivery failed", "orange"),
    ("mailbox failed", "purple"),
    ("planned", BLUE),
    ("OK", GREEN),
)
"""What STATE says; what fails comes first when they are sorted."""
SUCCESS = f"min_over_time(mailtrip_success{{{MANY}}}[$__rate_interval])"
"""0 from a failure on; also the shortest outage is between two points of a chart."""
BADNESS = f"(1 - avg_over_time(mailtrip_success{{{MANY}}}[$__range] @ end())) unless {PLANNED}"


def _failing_parts() -> list[Json]:
    """How many probes fail, by the part of the path."""

    def failing(leg: str) -> str:
        legs = f'mailtrip_leg_success{{{MANY}, leg=~"{leg}"}}[$__rate_interval]'
        return f"min_over_time({legs}) == 0"

    parts = {leg: f"{failing(leg)} unless {PLANNED}" for leg in ("send", "delivery", "mailbox")}
    parts["other"] = f"{SUCCESS} == 0 unless on ({ITS_PROBE}) ({failing('.+')}) unless {PLANNED}"
    return [query(f"count({which}) or vector(0)", part) for part, which in parts.items()]


def _why() -> str:
    """The newest failure in the label `why`, as alerts and mailtrip itself write it."""
    joined = f'label_join(mailtrip_last_failure_info{{{MANY}}}, "why", "/", "phase", "step")'
    joined = f'label_join({joined}, "why", ": ", "why", "reason")'
    joined = f'label_join({joined}, "why", " ", "why", "code")'
    return f'label_replace({joined}, "why", "$1$2", "why", "(.*)/(: .*)")'


def at_a_glance() -> list[Json]:
    share = steps(RED, (0.99, YELLOW), (0.999, GREEN))
    bad = steps(GREEN, (1, RED))
    return [
        stat(
            "OK",
            "Probes whose newest finished trip succeeded.",
            f"count(mailtrip_success{{{MANY}}} == 1) or vector(0)",
            thresholds=steps(RED, (1, GREEN)),
            width=3,
        ),
        stat(
            "Failing",
            "Probes whose newest finished trip failed, without planned maintenance. The table below"
            " says where and why.",
            f"count({FAILING} unless {PLANNED}) or vector(0)",
            thresholds=bad,
            width=3,
        ),
        stat(
            "Planned",
            "Probes that fail in planned maintenance.",
            f"count({FAILING} and {PLANNED}) or vector(0)",
            thresholds=steps(GREY, (1, BLUE)),
            width=3,
        ),
        stat(
            "Down longest",
            "Time since the start of the first failed trip, of the probe that has failed for the"
            " longest time, without planned maintenance.",
            f"max(time() - mailtrip_outage_start_timestamp_seconds{{{MANY}}} unless {PLANNED})",
            "s",
            thresholds=steps(YELLOW, (600, RED)),
            defaults={"noValue": "None"},
            width=3,
        ),
        stat(
            "Oldest result",
            "Longest time of a probe since its last finished trip. Far more than "
            "the interval: nothing is watched there.",
            f"max(time() - mailtrip_last_trip_timestamp_seconds{{{MANY}}})",
            "s",
            thresholds=steps(GREEN, (7200, YELLOW), (86400, RED)),
            width=3,
        ),
        stat(
            "OK, 1 day",
            "Ratio of all trips of the last 24 hours that succeeded.",
            f"1 - sum(increase(probe:mailtrip_failures:sum{{{MANY}}}[1d]))"
            f" / sum(increase(mailtrip_trips_total{{{MANY}}}[1d]))",
            "percentunit",
            thresholds=share,
            defaults={"decimals": 2},
            width=3,
        ),
        stat(
            "Worst, 1 day",
            "Ratio of trips of the last 24 hours that succeeded, for the worst probe.",
            f"min(probe:mailtrip_trips:success_ratio_1d{{{MANY}}})",
            "percentunit",
            thresholds=share,
            defaults={"decimals": 2},
            width=3,
        ),
        stat(
            "Unwatched",
            "Mailboxes that mailtrip cannot open now, of all exporters. Trips that wait "
            "there say nothing about delivery.",
            "count(mailtrip_mailbox_connected == 0) or vector(0)",
            thresholds=bad,
            width=3,
        ),
    ]


def every_probe() -> Json:
    columns = {
        "name": "Probe",
        "location": "Place",
        "Value #A": "State",
        "why": "Why",
        "Value #F": "Since",
        "Value #B": "For",
        "Value #C": "Last success",
        "target": "To",
        "mailbox": "Mailbox",
        "Value #D": "Delay, 9 of 10",
        "Value #E": "OK, 1 day",
        "Value #I": "Available, 30 d",
        "job": "job",
        "instance": "instance",
        "probe": "probe",
        "module": "module",
        "url": "url",
    }
    # The second since Grafana 12; links need them.
    hidden = {"viz": True, "legend": True, "tooltip": True}
    return table(
        "What works, what does not, since when, and why",
        "One row for each probe, and each place if there are several; failures first. State: which"
        " part of the path to look at. Why: phase/step: reason code of the newest trip, as in"
        " docs/faults.md of mailtrip. A click on a probe leads to all of it, or to its trips.",
        [
            rows(listed(STATE)),
            rows(listed(f"time() - mailtrip_outage_start_timestamp_seconds{{{MANY}}}")),
            rows(listed(f"time() - mailtrip_last_success_timestamp_seconds{{{MANY}}}")),
            rows(listed(f"probe:mailtrip_delivery_delay_seconds:p90_recent{{{MANY}}}")),
            rows(listed(f"probe:mailtrip_trips:success_ratio_1d{{{MANY}}}")),
            rows(listed(f"1000 * mailtrip_outage_start_timestamp_seconds{{{MANY}}}")),
            rows(listed(_why())),
            rows(listed(addressed(f"mailtrip_probe_info{{{MANY}}}"))),
            rows(listed(f"probe:mailtrip_availability:ratio_30d{{{MANY}}}")),
        ],
        columns,
        height=12,
        sort=[{"displayName": "State", "desc": False}, {"displayName": "For", "desc": False}],
        overrides=[
            column("Probe", links=[ONE_PROBE, TRIPS_OF_ROW]),
            colored("State", mappings=STATES, custom__width=115),
            column("Why", custom__width=190),
            column("Since", unit="dateTimeAsIsoNoDateIfToday", custom__width=135),
            colored(
                "For",
                unit="s",
                custom__width=85,
                thresholds=steps("transparent", (0, YELLOW), (600, RED)),
            ),
            column("Last success", unit="s", noValue="never", custom__width=110),
            colored(
                "Delay, 9 of 10",
                unit="s",
                custom__width=115,
                thresholds=steps("transparent", (60, YELLOW), (300, RED)),
            ),
            colored(
                "OK, 1 day",
                unit="percentunit",
                decimals=1,
                custom__width=85,
                thresholds=steps("transparent", (0, RED), (0.99, YELLOW), (0.999, "transparent")),
            ),
            column("Available, 30 d", unit="percentunit", decimals=2, custom__width=115),
            column("Place", custom__width=85),
            column("Mailbox", custom__width=90),
            *(
                column(name, custom__hidden=True, custom__hideFrom=hidden)
                for name in ("job", "instance", "probe", "module", "url")
            ),
        ],
    )


def over_time() -> list[Json]:
    blame = (
        "sum by (phase, reason)"
        f" (increase(mailtrip_failures_total{{{MANY}}}[$__rate_interval])) > 0"
    )
    return [
        row("Since when"),
        bands(
            "Failing probes, by part",
            "How many probes fail at once, and where: send is the server that takes our message,"
            " delivery all between it and the mailbox. Other: no part is to blame, as for"
            " blocklists. Without planned maintenance, which the blue annotations show.",
            _failing_parts(),
            (RED, "orange", "purple", "dark-red"),
        ),
        bands(
            "Failing probes, by name",
            "A band for each probe while it fails, without planned maintenance; the ten that failed"
            " the most. It begins when the failing trip ended.",
            [query(named(worst(f"(1 - {SUCCESS} unless {PLANNED})", ITS_PROBE, BADNESS)))],
            defaults={"links": [FROM_SERIES]},
        ),
        bars(
            "Failures by place and reason",
            "Failed trips of all chosen probes, by phase and reason.",
            [query(blame, "{{phase}}: {{reason}}")],
        ),
        lines(
            "Messages not delivered",
            "Ratio of messages that were refused, lost, late, bounced, junked or changed, over 6"
            f" hours; the ten highest. The objective allows {float(100 * (1 - OBJECTIVE)):g} %.",
            [query(named(highest(f"probe:mailtrip_undelivered:ratio_6h{{{MANY}}}")))],
            "percentunit",
            thresholds=steps(
                GREEN, (float(1 - OBJECTIVE), YELLOW), (float(6 * (1 - OBJECTIVE)), RED)
            ),
        ),
        row("How fast"),
        lines(
            "Delivery delay",
            "90 % of the messages of the last hour were faster than this, from the server's final"
            " 250 to the mailbox (of the last day, where an hour has fewer than three); the ten"
            " slowest.",
            [query(named(highest(f"probe:mailtrip_delivery_delay_seconds:p90_recent{{{MANY}}}")))],
            defaults={"links": [FROM_SERIES]},
            **logarithmic(steps(GREEN, (300, RED))),
        ),
        lines(
            "Sending",
            "Median time until the server accepted a message, in the last hour; the ten slowest.",
            [query(named(highest(f"probe:mailtrip_send_duration_seconds:p50_recent{{{MANY}}}")))],
            defaults={"links": [FROM_SERIES]},
            **logarithmic(steps(GREEN, (10, RED))),
        ),
    ]


def problems() -> list[Json]:
    late = {
        "late": "late",
        "lost": "lost",
        "bounces": "bounced",
        "junk": "junk",
        "duplicates": "duplicate",
    }
    counted = [
        query(f"sum(increase(mailtrip_{name}_total{{{MANY}}}[$__rate_interval]))", legend)
        for name, legend in late.items()
    ]
    leaf = "mailtrip_tls_certificate_expiry_timestamp_seconds"
    chain = "mailtrip_tls_chain_expiry_timestamp_seconds"

    def soonest(leg: str) -> str:
        of_these = f'{{{MANY}, leg="{leg}"}}'
        return f"({chain}{of_these} < {leaf}{of_these} or {leaf}{of_these})"

    # Many probes share a server: an exchanger, or what the mailbox or the module names.
    by_name = f"unless on ({ITS_PROBE}) mailtrip_mx_info"
    servers = " or ".join(
        f"min by (leg, {label}) (({soonest(leg)} {but} - time())"
        f" * on ({ITS_PROBE}) group_left ({label}) {of})"
        for leg, but, label, of in (
            ("mailbox", "", "mailbox", "mailtrip_probe_info"),
            ("send", by_name, "module", "mailtrip_probe_info"),
            ("send", "", "host", "mailtrip_mx_info"),
        )
    )
    return [
        row("Upcoming problems"),
        bars(
            "Late, lost, bounced, junk, duplicate",
            "Messages of all chosen probes. Late: after timeout. Lost: a day "
            "later they had still not come.",
            counted,
        ),
        table(
            "Certificates",
            "Time until the certificates of servers expire, or one above them in their chain, if"
            " that is sooner; the soonest first: of mailboxes, of the servers to which modules"
            " send, and of exchangers. The alert fires 14 days before.",
            [rows(f"bottomk({MOST_CURVES}, {servers})")],
            {
                "leg": "Leg",
                "mailbox": "Mailbox",
                "module": "Module",
                "host": "Exchanger",
                "Value": "Expires in",
            },
            width=12,
            sort=[{"displayName": "Expires in", "desc": False}],
            overrides=[
                colored(
                    "Expires in",
                    unit="s",
                    thresholds=steps(RED, (3 * 86400, YELLOW), (14 * 86400, "transparent")),
                )
            ],
        ),
    ]


def heartbeats() -> list[Json]:
    last = f"mailtrip_heartbeat_last_timestamp_seconds{{{MANY}}}"
    return [
        row("Messages of others"),
        table(
            "Heartbeats",
            "When the last message came that must come again and again. Failed: it is missing, or"
            " its mailbox cannot be read, as Why says above.",
            [
                rows(listed(f"mailtrip_success{{{MANY}}} and on ({ITS_PROBE}) {last}")),
                rows(listed(f"time() - {last}")),
                rows(listed(f"1000 * {last}")),
            ],
            {
                "name": "Probe",
                "location": "Place",
                "Value #A": "State",
                "Value #B": "Last one, ago",
                "Value #C": "Last one",
            },
            sort=[{"displayName": "Last one, ago", "desc": True}],
            overrides=[
                colored("State", mappings=VERDICT, custom__width=115),
                column("Last one, ago", unit="s"),
                column("Last one", unit="dateTimeAsIsoNoDateIfToday"),
            ],
        ),
    ]


def build() -> Json:
    description = "What works, what does not, since when, and which part fails"
    return dashboard(
        "overview",
        "Mail overview",
        description,
        [*at_a_glance(), every_probe(), *over_time(), *problems(), *heartbeats()],
        variables=probes("mailtrip_trips_total", many=True),
        annotations=[outages(MANY), failures(MANY) | {"enable": False}, maintenance(MANY)],
        links=[STATUS],
    )
