"""Blocklists: who lists us, and which lists are usable."""

from dashboards.frame import MANY, STATUS, dashboard, failures, maintenance, probes
from dashboards.panels import (
    GREEN,
    RED,
    YELLOW,
    Json,
    bands,
    bars,
    colored,
    lines,
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

USABLE = mapped(("unusable", YELLOW), ("usable", GREEN))


def at_a_glance() -> list[Json]:
    return [
        stat(
            "Listings",
            "Addresses and domains on lists, each pair of the two counted once.",
            f"count(max by (list, address) (mailtrip_dnsbl_listed{{{MANY}}}) == 1) or vector(0)",
            thresholds=steps(GREEN, (1, RED)),
            width=6,
        ),
        stat(
            "Asked about",
            "Addresses and domains that at least one list has answered for.",
            f"count(count by (address) (mailtrip_dnsbl_listed{{{MANY}}}))",
            color="fixed",
            width=6,
        ),
        stat(
            "Lists that cannot be used",
            "They refuse queries, do not answer, or fail their own test entries: their answers "
            "are not used.",
            f"count(max by (list) (mailtrip_dnsbl_list_usable{{{MANY}}}) == 0) or vector(0)",
            thresholds=steps(GREEN, (1, YELLOW)),
            width=6,
        ),
        stat(
            "Oldest check",
            "Time since the last finished check, for the slowest probe.",
            f"max(time() - mailtrip_last_trip_timestamp_seconds{{{MANY}}} "
            f"and on (job, instance, probe) mailtrip_dnsbl_query_duration_seconds_count{{{MANY}}})",
            "s",
            thresholds=steps(GREEN, (6 * 3600, YELLOW), (2 * 86400, RED)),
            width=6,
        ),
    ]


def listings() -> list[Json]:
    codes = f"mailtrip_dnsbl_code_info{{{MANY}}}"
    listed, usable = f"mailtrip_dnsbl_listed{{{MANY}}}", f"mailtrip_dnsbl_list_usable{{{MANY}}}"
    listings = worst(
        f"max by (list, address) (max_over_time({listed}[$__rate_interval]))",
        "list, address",
        f"max by (list, address) (avg_over_time({listed}[$__range] @ end()))",
    )
    unusable = worst(
        f"1 - min by (list) (min_over_time({usable}[$__rate_interval]))",
        "list",
        f"max by (list) (1 - avg_over_time({usable}[$__range] @ end()))",
    )
    return [
        table(
            "Who is listed",
            "A row for each address on a list, with the list's code. docs/blocklists.md of mailtrip"
            " says what to do; mailtrip probe shows the list's reason and its page for delisting.",
            [rows(named(codes))],
            {"address": "Address", "list": "List", "code": "Code", "name": "Probe"},
            width=12,
            height=9,
            sort=[{"displayName": "Address", "desc": False}],
        ),
        table(
            "Lists",
            "Whether each list is usable now, for each probe.",
            [rows(named(usable))],
            {"list": "List", "Value": "State", "name": "Probe"},
            width=12,
            height=9,
            overrides=[colored("State", mappings=USABLE)],
            sort=[{"displayName": "State", "desc": False}],
        ),
        row("Since when"),
        bands(
            "Listed",
            "A band for each address on each list, while it is listed; the ten that were listed"
            " the longest.",
            [query(listings, "{{address}} · {{list}}")],
        ),
        bands(
            "Unusable",
            "A band for each list while it cannot be used; the ten that were unusable the longest.",
            [query(unusable, "{{list}}")],
            defaults={"color": {"mode": "shades", "fixedColor": YELLOW}},
        ),
    ]


def questions() -> list[Json]:
    bucket = f"mailtrip_dnsbl_query_duration_seconds_bucket{{{MANY}}}"
    quick = f"sum by (le) (increase({bucket}[1h]))"
    failed = (
        "sum by (list, reason)"
        f" (increase(mailtrip_dnsbl_query_failures_total{{{MANY}}}[$__rate_interval])) > 0"
    )
    return [
        row("Asking"),
        lines(
            "Query latency",
            "Quantiles over one hour: 50 % and 90 % of queries were faster.",
            [
                query(f"histogram_quantile(0.5, {quick}) >= 0", "half"),
                query(f"histogram_quantile(0.9, {quick}) >= 0", "9 of 10"),
            ],
            thresholds=steps(GREEN, (1, YELLOW)),
        ),
        bars(
            "Failed queries",
            "By list and reason, self-tests included. refused: use a resolver of your own.",
            [query(failed, "{{list}}: {{reason}}")],
            interval="1h",
        ),
        bars(
            "Questions",
            "Number of queries, without cached answers. Lists limit how many are free.",
            [
                query(
                    f"sum(increase(mailtrip_dnsbl_query_duration_seconds_count{{{MANY}}}[$__rate_interval]))",
                    "questions",
                )
            ],
            interval="1h",
        ),
        bars(
            "Checks that failed",
            "By reason: listed; or unusable, no list could be queried.",
            [
                query(
                    'sum by (reason) (increase(mailtrip_failures_total{phase="verify", '
                    f'reason=~"listed|unusable|dns", {MANY}}}[$__rate_interval])) > 0',
                    "{{reason}}",
                )
            ],
            interval="1h",
        ),
    ]


def build() -> Json:
    only = f'{MANY}, reason=~"listed|unusable"'
    return dashboard(
        "blocklists",
        "Blocklists",
        "Which lists list your addresses, and which lists are usable",
        [*at_a_glance(), *listings(), *questions()],
        time="now-7d",
        annotations=[failures(only), maintenance(MANY)],
        links=[STATUS],
        variables=probes("mailtrip_dnsbl_query_duration_seconds_count", many=True),
    )
