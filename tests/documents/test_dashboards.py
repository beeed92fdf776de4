"""The Grafana dashboards: every panel is whole, and every query has data from a Prometheus that
really scraped."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.__main__ import COMMAND, FILES, HERE, texts
from dashboards.panels import MOST_CURVES
from exporter.metrics.definitions import ONLY_ON_PROBE
from tests.documents.test_rules import OF_THE_TARGET, SELECTOR, SERIES, exposed
from tests.lab.client import Lab, LabUser
from tests.net.oauth2.test_trips import identity_provider
from tests.support import watched_stack as watched
from tests.support.mailtrip_process import Exporter
from tests.support.prometheus import Prometheus

Json = dict[str, Any]
BOARDS: dict[str, Json] = {
    name: json.loads((HERE / name).read_text(encoding="utf-8")) for name in FILES
}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
TRIP_ID = "trip_id"
"""The label of an exemplar."""
OF_FUNCTIONS = {"le", "name"}
"""Labels that buckets have, and that `label_replace` makes."""
PROVISIONING = HERE.parent / "examples/grafana"
UIDS = {
    "mailtrip-matrix",
    "mailtrip-overview",
    "mailtrip-one-probe",
    "mailtrip-blocklists",
    "mailtrip-exporter",
}


def expressions(board: Json) -> Iterator[tuple[str, str]]:
    """Every PromQL expression with the place where it stands, annotations included."""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in board["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


@pytest.mark.parametrize("name", FILES)
def test_a_dashboard_is_what_its_source_says(name: str) -> None:
    assert (HERE / name).read_text(encoding="utf-8") == texts()[name], (
        f"{name} is stale: run {COMMAND}"
    )


def test_dashboards_keep_their_addresses_and_panels_their_numbers() -> None:
    assert {board["uid"] for board in BOARDS.values()} == UIDS
    for board in BOARDS.values():
        numbers = [panel["id"] for panel in board["panels"]]
        assert len(set(numbers)) == len(numbers)
        titles = [panel["title"] for panel in board["panels"]]
        assert len(set(titles)) == len(titles)
        assert board["description"]
        assert "id" not in board  # Grafana gives it, and refuses the file if it is somebody else's


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel: Json) -> None:
    assert panel["title"]
    assert re.fullmatch(r"\S.{15,}\.", panel["description"])
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    for source in (panel, *panel["targets"]):
        assert source["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [target["refId"] for target in panel["targets"]] == list(
        "ABCDEFGHIJ"[: len(panel["targets"])]
    )


def test_a_probe_that_never_succeeded_has_no_number_without_words() -> None:
    """Grafana would say "No data", as if something were wrong with the dashboard."""
    always = {"State", "Failures", "Outages", "Down"}
    silent = {
        panel["title"]
        for panel in BOARDS["one-probe.json"]["panels"]
        if panel["type"] in ("stat", "table") and "noValue" not in panel["fieldConfig"]["defaults"]
    }
    assert silent == always


def test_only_kinds_of_panels_are_used_that_were_seen_drawn_with_data() -> None:
    """State timelines and heat maps are drawn by Grafana alone: nobody has looked at them."""
    kinds = {panel["type"] for board in BOARDS.values() for panel in board["panels"]}
    assert kinds == {"row", "stat", "table", "timeseries"}


def test_no_chart_has_more_curves_than_a_reader_can_tell_apart() -> None:
    for board in BOARDS.values():
        for panel in board["panels"]:
            for target in panel.get("targets", ()) if panel["type"] == "timeseries" else ():
                each = "{{name}}" in target["legendFormat"]
                assert not each or f"topk({MOST_CURVES}, " in target["expr"], panel["title"]


def test_panels_do_not_lie_on_each_other() -> None:
    for name, board in BOARDS.items():
        taken: set[tuple[int, int]] = set()
        for place in (panel["gridPos"] for panel in board["panels"]):
            cells = {
                (place["x"] + x, place["y"] + y)
                for x in range(place["w"])
                for y in range(place["h"])
            }
            assert not cells & taken, name
            assert place["x"] + place["w"] <= 24, name
            taken |= cells


def test_every_variable_that_is_used_exists() -> None:
    for name, board in BOARDS.items():
        given = {variable["name"] for variable in board["templating"]["list"]}
        used = set(
            re.findall(
                r"\$\{?([a-z]\w*)",
                json.dumps([board["panels"], board["links"], board["annotations"]]),
            )
        )
        assert used <= given, name
        assert given == used, name


def test_links_between_dashboards_lead_to_one_and_name_its_variables() -> None:
    for board in BOARDS.values():
        for uid, question in re.findall(r'"/d/([\w-]+)\?([^"]*)"', json.dumps(board)):
            (other,) = (other for other in BOARDS.values() if other["uid"] == uid)
            given = {variable["name"] for variable in other["templating"]["list"]}
            assert set(re.findall(r"var-(\w+)=", question)) <= given


def test_links_encode_what_may_have_any_character() -> None:
    """By itself, Grafana leaves the plus of `monitor+1@example.org`, which then reads as a
    blank."""
    named = set[str]()
    for board in BOARDS.values():
        for name, form in re.findall(r"=\$\{(?:__\w+\.\w+\.)?(\w+)(:\w+)?\}", json.dumps(board)):
            if name in ("job", "instance", "target", "To"):
                assert form == ":percentencode", name
                named.add(name)
    assert named == {"job", "instance", "target", "To"}


def test_grafana_reads_the_dashboards_from_where_the_example_says() -> None:
    (provider,) = yaml.safe_load((PROVISIONING / "mailtrip.yml").read_text(encoding="utf-8"))[
        "providers"
    ]
    assert provider["type"] == "file"
    assert Path(provider["options"]["path"]).is_absolute()


def test_the_example_of_a_data_source_leads_from_an_exemplar_to_its_trip() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "prometheus.yml").read_text(encoding="utf-8"))[
        "datasources"
    ]
    assert source["type"] == "prometheus"
    (destination,) = source["jsonData"]["exemplarTraceIdDestinations"]
    compose = yaml.safe_load((PROVISIONING.parent / "compose.yml").read_text(encoding="utf-8"))
    (address,) = {
        flag.removeprefix("--web.external-url=")
        for flag in compose["services"]["mailtrip"]["command"]
        if flag.startswith("--web.external-url=")
    }
    assert destination["name"] == TRIP_ID
    # $$ is Grafana's way to write $ in such a file.
    assert destination["url"] == f"{address}/trips/$${{__value.raw}}"


@pytest.mark.parametrize("name", FILES)
def test_only_series_that_exist_are_asked_for_and_only_by_labels_that_they_have(name: str) -> None:
    known = exposed()
    variables = [
        (v["name"], v["query"]["query"])
        for v in BOARDS[name]["templating"]["list"]
        if v["type"] == "query"
    ]
    for place, text in [*expressions(BOARDS[name]), *variables]:
        for series, matchers in SELECTOR.findall(text):
            assert series in known, place
            labels = set(re.findall(r"(\w+) *[=!]", re.sub(r'"[^"]*"', "", matchers)))
            assert labels <= known[series] | OF_THE_TARGET, f"{place}: {series}{{{matchers}}}"
        of_its_series = set().union(*(known[series] for series, _ in SELECTOR.findall(text)))
        for grouped in re.findall(
            r"\b(?:by|without|on|ignoring|group_left|group_right) *\(([^)]*)\)", text
        ):
            labels = set(re.findall(r"\w+", grouped))
            assert labels <= of_its_series | OF_THE_TARGET | OF_FUNCTIONS, f"{place}: ({grouped})"


def test_no_series_is_left_out_of_the_dashboards() -> None:
    text = " ".join(expression for board in BOARDS.values() for _, expression in expressions(board))
    text += (HERE / "rules/mailtrip.recording.yml").read_text(encoding="utf-8")
    missing = {name for name in SERIES if not re.search(rf"\b{name}(_bucket|_sum|_count)?\b", text)}
    # What users of blackbox_exporter have rules for; series of ours say the same and more.
    assert missing == {one.name for one in ONLY_ON_PROBE}


Ask = dict[str, str]
METRICS: list[Ask] = [
    {"job": "mailtrip", "probe": name} for name in ("relay", "exchanger", "junk", "outgoing")
]
PROBE: list[Ask] = [
    {"job": name, "probe": ""} for name in ("mail", "exchangers", "junk", "reputation", "heartbeat")
]


def asked(expression: str, values: Ask) -> str:
    """The expression as Grafana sends it, for a short time range."""
    built_in = {"__rate_interval": "20s", "__range": "1m", "__interval": "5s"}
    return re.sub(r"\$\{?([a-z_]\w*)\}?", lambda match: (values | built_in)[match[1]], expression)


def choices(name: str, instances: dict[str, str], way: list[Ask]) -> list[Ask]:
    """What may be chosen in the dashboard's variables: one probe, or all probes of one way of
    scraping."""
    if name == "one-probe.json":
        return [one | {"instance": instances[one["job"]]} for one in way]
    return [
        {"job": "|".join(sorted({one["job"] for one in way})), "instance": ".*", "probe": ".*"}
        | {"matrix": "providers"}
    ]


@dataclass
class Question:
    """An expression of a dashboard, for every choice of its variables: one of them has to have an
    answer."""

    place: str
    expressions: list[str]

    async def answered(self, prometheus: Prometheus) -> bool:
        """Prometheus refuses, and so the test fails, what does not parse."""
        return any(
            [
                await asyncio.to_thread(prometheus.query, expression)
                for expression in self.expressions
            ]
        )


def questions(instances: dict[str, str], way: list[Ask]) -> Iterator[Question]:
    for name, board in BOARDS.items():
        if name == "exporter.json" and way is PROBE:
            continue  # /probe says nothing of it
        for place, expression in expressions(board):
            texts = [asked(expression, values) for values in choices(name, instances, way)]
            yield Question(f"{name}: {place}", texts)


async def unanswered(prometheus: Prometheus, questions: Iterable[Question]) -> list[Question]:
    return [question for question in questions if not await question.answered(prometheus)]


async def exemplars_lead_to_trips(
    prometheus: Prometheus, exporter: Exporter, ways: list[Ask], instances: dict[str, str]
) -> None:
    """Of every panel that shows exemplars, in both ways of scraping."""
    shown = [
        asked(target["expr"], way | {"instance": instances[way["job"]]})
        for way in ways
        for panel in BOARDS["one-probe.json"]["panels"]
        for target in panel.get("targets", ())
        if target.get("exemplar")
    ]
    assert len(shown) == 2
    for expression in shown:
        while not (found := await asyncio.to_thread(prometheus.exemplars, expression)):
            await asyncio.sleep(0.5)
        for labels in found[-3:]:
            page = await asyncio.to_thread(exporter.get, f"/trips/{labels[TRIP_ID]}")
            assert labels[TRIP_ID] in page


async def certificates_are_listed_by_server(
    prometheus: Prometheus, way: list[Ask], modules: set[str]
) -> None:
    """Once for each, however many probes share it."""
    (panel,) = (
        one for one in BOARDS["mail-overview.json"]["panels"] if one["title"] == "Certificates"
    )
    (target,) = panel["targets"]
    (values,) = choices("mail-overview.json", {}, way)
    wanted = sorted(
        [
            *((("leg", "mailbox"), ("mailbox", name)) for name in ("monitor", "spam")),
            *((("leg", "send"), ("module", name)) for name in modules),
            (("host", "mx1.lab.test"), ("leg", "send")),
        ]
    )
    # A trip of each is over; a scrape may show it only later.
    while True:
        samples = await asyncio.to_thread(prometheus.query, asked(target["expr"], values))
        servers = sorted(tuple(sorted(sample.labels.items())) for sample in samples)
        if servers == wanted:
            return
        print("certificates:", servers)  # pytest shows it when the time is up
        await asyncio.sleep(1)


@pytest.fixture
async def exporter(lab: Lab, lab_user: LabUser, tmp_path: Path) -> AsyncIterator[Exporter]:
    async with identity_provider(lab, lab_user) as identity:
        text = watched.configuration(lab, lab_user, identity)
        exporter = await asyncio.to_thread(Exporter, text, tmp_path / "mailtrip")
        yield exporter
        exporter.kill()


async def test_every_query_has_data_in_both_ways_of_scraping(
    exporter: Exporter,
    lab: Lab,
    lab_user: LabUser,
    prometheus: Callable[[str], Prometheus],
    tmp_path: Path,
) -> None:
    configuration = watched.scrapes(exporter.address, lab_user, tmp_path / "recording.yml")
    server = await asyncio.to_thread(prometheus, configuration)
    await server.wait_for("count(mailtrip_trips_total > 3) >= 8")
    # Junk and a listing, in both ways.
    await server.wait_for("count(mailtrip_last_failure_info) >= 4")
    # What fails in maintenance, later, is not counted here.
    await server.wait_for(
        'count(increase(mailtrip_failures_total{phase="verify", reason="listed"}[20s]) > 0) >= 2'
    )
    samples = await asyncio.to_thread(server.query, "mailtrip_trips_total")
    instances = {sample.labels["job"]: sample.labels["instance"] for sample in samples}
    await certificates_are_listed_by_server(server, METRICS, {"submission", "token", "spam"})
    await certificates_are_listed_by_server(server, PROBE, {"submission", "spam"})
    remaining = [*questions(instances, METRICS), *questions(instances, PROBE)]
    remaining = await unanswered(server, remaining)
    await exemplars_lead_to_trips(server, exporter, [METRICS[0], PROBE[0]], instances)
    await asyncio.to_thread(watched.provoke, exporter, lab)
    while remaining := await unanswered(server, remaining):
        print(*remaining, sep="\n", end="\n\n")  # pytest shows it when the time is up
        await asyncio.sleep(1)
