"""Senders and recipients: how mail of each sender arrives at each recipient."""

from typing import Any

from dashboards.frame import address as mailtrips_address
from dashboards.frame import choice, dashboard, datasource
from dashboards.panels import (
    BLUE,
    GREEN,
    GREY,
    ITS_PROBE,
    MOST_CURVES,
    RED,
    YELLOW,
    Json,
    bars,
    column,
    lines,
    mapped,
    panel,
    query,
    row,
    rows,
    stat,
    steps,
)

OF_JOB = 'job=~"$job", instance=~"$instance"'
CELL = f'mailtrip_matrix_info{{{OF_JOB}, matrix="$matrix"}}'
IN_CELL = f"* on ({ITS_PROBE}) group_left (from, to) {CELL}"
FAILING = f"mailtrip_success{{{OF_JOB}}} == 0"
JUNK = (
    "max without (phase, step, reason, code)"
    f' (mailtrip_last_failure_info{{{OF_JOB}, reason="junk"}})'
)
STATE = (
    f"(({FAILING} and mailtrip_maintenance == 1) + 3 or {JUNK} or 2 * mailtrip_success{{{OF_JOB}}})"
)
STATES = mapped(("failed", RED), ("spam", "orange"), ("OK", GREEN), ("planned", BLUE))
"""What STATE says; the worst comes first."""
CORNER = "from\\to"  # how Grafana calls the column of the rows' names
PAGE: Json = {
    "title": "These matrices in mailtrip, with links to trips",
    "url": "${mailtrip}/matrices",
    "targetBlank": True,
}


def heat_map(title: str, description: str, expression: str, unit: str, **more: Any) -> Json:
    """A table with a row for each sender, a column for each recipient, and coloured cells."""
    grouping = {"rowField": "from", "columnField": "to", "valueField": "Value"}
    custom = {
        "align": "center",
        "cellOptions": {"type": "color-background", "mode": "basic"},
    }
    plain = {"type": "auto"}
    return panel(
        "table",
        title,
        description,
        [rows(expression)],
        unit,
        color="thresholds",
        custom=custom,
        options={"showHeader": True, "cellHeight": "sm"},
        overrides=[column(CORNER, custom__cellOptions=plain, custom__align="left")],
        transformations=[
            *({"id": "sortBy", "options": {"sort": [{"field": one}]}} for one in ("from", "to")),
            {"id": "groupingToMatrix", "options": grouping | {"emptyValue": "null"}},
        ],
        links=[PAGE],
        height=10,
        **more,
    )


def at_a_glance() -> list[Json]:
    def cells(state: int) -> str:
        return f"count({STATE} {IN_CELL} == {state}) or vector(0)"

    bad = steps(GREEN, (1, RED))
    return [
        stat(
            "OK",
            "Cells whose newest trip succeeded.",
            cells(2),
            thresholds=steps(GREY, (1, GREEN)),
            width=6,
        ),
        stat(
            "Filed as spam",
            "Cells whose newest message was filed as spam.",
            cells(1),
            thresholds=steps(GREEN, (1, "orange")),
            width=6,
        ),
        stat(
            "Failed",
            "Cells whose newest trip failed otherwise.",
            cells(0),
            thresholds=bad,
            width=6,
        ),
        stat(
            "Planned",
            "Cells that fail in planned maintenance.",
            cells(3),
            thresholds=steps(GREY, (1, BLUE)),
            width=6,
        ),
    ]


def now() -> list[Json]:
    delay = f"mailtrip_last_delivery_delay_seconds{{{OF_JOB}}}"
    return [
        heat_map(
            "Newest trips",
            "How the newest trip of each sender (row) to each recipient (column) ended. Spam: the"
            " message arrived, in the folder for spam.",
            f"min by (from, to) ({STATE} {IN_CELL})",
            "none",
            mappings=STATES,
        ),
        heat_map(
            "Delivery delay",
            "The newest delay of each sender (row) to each recipient (column), from the server's"
            " final 250 to the mailbox.",
            f"max by (from, to) ({delay} {IN_CELL})",
            "s",
            thresholds=steps("transparent", (0, GREEN), (60, YELLOW), (300, RED)),
        ),
    ]


def over_time() -> list[Json]:
    def share(side: str) -> str:
        success = f"avg_over_time(mailtrip_success{{{OF_JOB}}}[$__rate_interval])"
        ratio = f"avg by ({side}) ({success} {IN_CELL})"
        whole = f"avg_over_time(mailtrip_success{{{OF_JOB}}}[$__range] @ end())"
        return (
            f"{ratio} and on ({side}) bottomk({MOST_CURVES}, avg by ({side}) ({whole} {IN_CELL}))"
        )

    junk = f"increase(mailtrip_junk_total{{{OF_JOB}}}[$__rate_interval])"
    thresholds = steps(RED, (0.99, YELLOW), (0.999, GREEN))
    return [
        row("Since when"),
        lines(
            "OK, by recipient",
            "Ratio of the time in which the newest trip of the senders to a recipient was OK; the"
            " ten recipients with the lowest.",
            [query(share("to"), "{{to}}")],
            "percentunit",
            thresholds=thresholds,
        ),
        lines(
            "OK, by sender",
            "Ratio of the time in which the newest trip of a sender to the recipients was OK; the"
            " ten senders with the lowest.",
            [query(share("from"), "{{from}}")],
            "percentunit",
            thresholds=thresholds,
        ),
        bars(
            "Filed as spam, by recipient",
            "Messages that were found in the folder for spam, of all senders.",
            [query(f"sum by (to) ({junk} {IN_CELL}) > 0", "{{to}}")],
        ),
        bars(
            "Filed as spam, by sender",
            "Messages that were found in the folder for spam, at all recipients.",
            [query(f"sum by (from) ({junk} {IN_CELL}) > 0", "{{from}}")],
        ),
    ]


def build() -> Json:
    series = f"mailtrip_matrix_info{{{OF_JOB}}}"
    return dashboard(
        "matrix",
        "Senders and recipients",
        "How mail of each sender arrives at each recipient: a matrix of probes",
        [*at_a_glance(), *now(), *over_time()],
        variables=[
            datasource(),
            choice("job", "Job", "mailtrip_matrix_info", many=True),
            choice("instance", "Instance", 'mailtrip_matrix_info{job=~"$job"}', many=True),
            choice("matrix", "Matrix", series, many=False),
            mailtrips_address(series),
        ],
        links=[PAGE],
    )
