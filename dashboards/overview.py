"""Mail overview: what works, what does not, since when, and which part is to blame."""

from dashboards.frame import (
    FROM_SERIES,
    MANY,
    ONE_PROBE,
    STATUS,
    dashboard,
    failures,
    maintenance,
    outages,
    probes,
)
from dashboards.panels import (
    GREEN,
    MOST_CURVES,
    RED,
    WORKS,
    WORKS_OR_PLANNED,
    YELLOW,
    Json,
    bars,
    colored,
    column,
    highest,
    lines,
    logarithmic,
    named,
    query,
    row,
    rows,
    stat,
    steps,
    table,
    timeline,
)

STATE = (
    f"(mailtrip_success{{{MANY}}} == 0 and mailtrip_maintenance == 1) + 2"
    f" or mailtrip_success{{{MANY}}} + 0"
)
"""0 fails, 1 works, 2 fails in planned maintenance."""
FAILING = f"mailtrip_success{{{MANY}}} == 0"
STATE = (
    f"(0 * mailtrip_last_failure_info{{{MANY}}}) or ignoring (phase, step, reason, code)"
    f" mailtrip_success{{{MANY}}}"
)


def at_a_glance() -> list[Json]:
    share = steps(RED, (0.99, YELLOW), (0.999, GREEN))
    bad = steps(GREEN, (1, RED))
    return [
        stat(
            "Working",
            "Probes whose newest finished trip succeeded.",
            f"count(mailtrip_success{{{MANY}}} == 1) or vector(0)",
            thresholds=steps(RED, (1, GREEN)),
            width=3,
        ),
        stat(
            "Failing",
            "Probes whose newest finished trip failed. The table below says where and why.",
            f"count({FAILING}) or vector(0)",
            thresholds=bad,
            width=3,
        ),
        stat(
            "Longest outage",
            "Time since the start of the first failed trip, of the probe that has failed for the"
            " longest time.",
            f"max(time() - mailtrip_outage_start_timestamp_seconds{{{MANY}}})",
            "s",
            thresholds=steps(YELLOW, (600, RED)),
            defaults={"noValue": "None"},
            width=6,
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
            "Good, 1 day",
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
        "Value #A": "State",
        "phase": "Phase",
        "step": "Step",
        "reason": "Reason",
        "code": "Code",
        "Value #F": "Failing since",
        "Value #B": "Failing for",
        "Value #C": "Last success",
        "Value #D": "Delay, 9 of 10",
        "Value #E": "Good, 1 day",
        "job": "job",
        "instance": "instance",
        "probe": "probe",
    }
    # The second since Grafana 12; links need them.
    hidden = {"viz": True, "legend": True, "tooltip": True}
    return table(
        "What works, what does not, since when, and why",
        "One row for each probe, failures first. Phase, step, reason and code are where and why its"
        " newest trip broke: docs/faults.md of mailtrip says what to look at. Click on a probe to"
        " see all of it.",
        [
            rows(named(STATE)),
            rows(named(f"time() - mailtrip_outage_start_timestamp_seconds{{{MANY}}}")),
            rows(named(f"time() - mailtrip_last_success_timestamp_seconds{{{MANY}}}")),
            rows(named(f"probe:mailtrip_delivery_delay_seconds:p90_recent{{{MANY}}}")),
            rows(named(f"probe:mailtrip_trips:success_ratio_1d{{{MANY}}}")),
            rows(named(f"1000 * mailtrip_outage_start_timestamp_seconds{{{MANY}}}")),
        ],
        columns,
        height=9,
        sort=[{"displayName": "State", "desc": False}],
        overrides=[
            column("Probe", links=[ONE_PROBE]),
            colored("State", mappings=WORKS, custom__width=90),
            colored(
                "Failing for",
                unit="s",
                thresholds=steps("transparent", (0, YELLOW), (600, RED)),
            ),
            column("Failing since", unit="dateTimeAsIsoNoDateIfToday"),
            column("Last success", unit="s", noValue="never"),
            colored(
                "Delay, 9 of 10",
                unit="s",
                thresholds=steps("transparent", (60, YELLOW), (300, RED)),
            ),
            colored(
                "Good, 1 day",
                unit="percentunit",
                decimals=1,
                thresholds=steps(RED, (0.99, YELLOW), (0.999, "transparent")),
            ),
            *(
                column(name, custom__hidden=True, custom__hideFrom=hidden)
                for name in ("instance", "probe")
            ),
        ],
    )


def over_time() -> list[Json]:
    blame = (
        "sum by (phase, reason)"
        f" (increase(mailtrip_failures_total{{{MANY}}}[$__rate_interval])) > 0"
    )
    legs = f"min by (leg, name) ({named(f'mailtrip_leg_success{{{MANY}}}')})"
    return [
        row("Since when"),
        timeline(
            "Works or fails",
            "The newest trip of each probe: green works, red fails, blue fails in planned "
            "maintenance. Red begins when the failing trip ended.",
            [query(named(STATE))],
            WORKS_OR_PLANNED,
            defaults={"links": [FROM_SERIES]},
        ),
        timeline(
            "Which part fails",
            "Each leg as the newest trip saw it: send (the server that takes our message), delivery"
            " (all between it and the mailbox), mailbox. No colour: it was not reached.",
            [query(legs, "{{name}} · {{leg}}")],
            WORKS,
        ),
        bars(
            "Failures by place and reason",
            "Failed trips of all chosen probes, by phase and reason.",
            [query(blame, "{{phase}}: {{reason}}")],
        ),
        lines(
            "Messages not delivered",
            "Ratio of messages that were refused, lost, late, bounced, junked or changed, over 6"
            " hours; the ten highest. The objective allows 0.1 %.",
            [query(highest(named(f"probe:mailtrip_undelivered:ratio_6h{{{MANY}}}")))],
            "percentunit",
            thresholds=steps(GREEN, (0.001, YELLOW), (0.006, RED)),
        ),
        row("How fast"),
        lines(
            "Delivery delay",
            "90 % of the messages of the last hour were faster than this, from the server's final"
            " 250 to the mailbox (of the last day, where an hour has fewer than three); the ten"
            " slowest.",
            [query(highest(named(f"probe:mailtrip_delivery_delay_seconds:p90_recent{{{MANY}}}")))],
            defaults={"links": [FROM_SERIES]},
            **logarithmic(steps(GREEN, (300, RED))),
        ),
        lines(
            "Sending",
            "Median time until the server accepted a message, in the last hour; the ten slowest.",
            [query(highest(named(f"probe:mailtrip_send_duration_seconds:p50_recent{{{MANY}}}")))],
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
    days = (
        "min by (name, leg)"
        f" ({named(f'mailtrip_tls_certificate_expiry_timestamp_seconds{{{MANY}}} - time()')})"
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
            "Time until the certificates of servers expire, by probe and leg, the soonest first."
            " The alert fires 14 days before.",
            [rows(f"bottomk({MOST_CURVES}, {days})")],
            {"name": "Probe", "leg": "Leg", "Value": "Expires in"},
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


def build() -> Json:
    description = "What works, what does not, since when, and which part fails"
    return dashboard(
        "overview",
        "Mail overview",
        description,
        [*at_a_glance(), every_probe(), *over_time(), *problems()],
        variables=probes("mailtrip_trips_total", many=True),
        annotations=[outages(MANY), failures(MANY) | {"enable": False}, maintenance(MANY)],
        links=[STATUS],
    )
