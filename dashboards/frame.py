"""What surrounds the panels: variables, annotations, links, and where each panel stands."""

from collections.abc import Sequence
from typing import Any

from dashboards.panels import DATASOURCE, ITS_PROBE, Json

WIDTH = 24  # of Grafana's grid

MANY = 'job=~"$job", instance=~"$instance", probe=~"$probe"'
"""Selects probes where several may be chosen. A probe from /probe has no label `probe`, which `.*`
matches too."""
ONE = 'job="$job", instance="$instance", probe="$probe"'
"""Selects one probe. From /probe it has no label `probe`; then the variable is empty, which is what
`=""` selects."""

TRIPS: Json = {
    "title": "Trips of this probe, each as a waterfall",
    "url": "${mailtrip}/trips?probe=${probe}&module=${module}&target=${target:percentencode}",
    "targetBlank": True,
}
"""Where trips can be seen: by the name of the probe, or for one from /probe by module and
target."""
TRIPS_OF_ROW: Json = TRIPS | {
    "title": "Its trips in mailtrip",
    "url": (
        "${__data.fields.url}/trips?probe=${__data.fields.probe}"
        "&module=${__data.fields.module}&target=${__data.fields.To:percentencode}"
    ),
}
STATUS: Json = {
    "title": "mailtrip: every probe, with links to its trips",
    "url": "${mailtrip}/",
    "targetBlank": True,
}

ONE_PROBE: Json = {
    "title": "Show this probe",
    "url": (
        "/d/mailtrip-one-probe?${__url_time_range}&var-datasource=${datasource}"
        "&var-job=${__data.fields.job:percentencode}"
        "&var-instance=${__data.fields.instance:percentencode}&var-probe=${__data.fields.probe}"
    ),
}
FROM_SERIES: Json = ONE_PROBE | {
    "url": ONE_PROBE["url"].replace("__data.fields.", "__field.labels.")
}


def datasource() -> Json:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    }


def choice(name: str, label: str, series: str, *, many: bool) -> Json:
    """The values of a label. Of many, all are chosen at first, also series without the label."""
    text = f"label_values({series}, {name})"
    common: Json = {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": text,
        "query": {"query": text, "refId": name},
        "refresh": 2,  # when the time range changes
        "sort": 1,
        "multi": many,
        "includeAll": many,
    }
    return common | (
        {"allValue": ".*", "current": {"text": "All", "value": "$__all"}} if many else {}
    )


def probes(series: str, *, many: bool) -> list[Json]:
    """The variables that choose probes that have this series."""
    equals = "=~" if many else "="
    return [
        datasource(),
        choice("job", "Job", series, many=many),
        choice("instance", "Instance", f'{series}{{job{equals}"$job"}}', many=many),
        choice(
            "probe",
            "Probe",
            f'{series}{{job{equals}"$job", instance{equals}"$instance"}}',
            many=many,
        ),
        address(f"{series}{{{MANY if many else ONE}}}"),
    ]


URL = "exporter:mailtrip_external_url:info"


def address(series: str) -> Json:
    """Where the pages of the mailtrip are that has these series."""
    near = f'{URL}{{url!=""}} and on (job, instance) {series}'
    far = f'{URL}{{url!="", exporter!=""}} and on (exporter) {series}'
    text = f"query_result({near} or {far})"
    chosen = choice("mailtrip", "mailtrip's address", "", many=False)
    return chosen | {
        "definition": text,
        "query": {"query": text, "refId": "mailtrip"},
        "regex": '/url="([^"]+)"/',
        "description": "Where links to trips lead",
    }


def identity() -> list[Json]:
    """What a link to the trips of a probe from /probe needs to know."""
    return [
        choice(name, name, f"mailtrip_probe_info{{{ONE}}}", many=False) | {"hide": 2}
        for name in ("module", "target")
    ]


def addressed(series: str) -> str:
    """Adds the label `url`: where the mailtrip that has these series shows its pages."""
    near = f"group_left (url) topk by (job, instance) (1, {URL})"
    far = f'group_left (url) topk by (exporter) (1, {URL}{{exporter!=""}})'
    parts = f"{series} * on (job, instance) {near}", f"{series} * on (exporter) {far}", series
    return f" or on ({ITS_PROBE}) ".join(f"({part})" for part in parts)


def _annotation(name: str, color: str, expression: str, title: str, **more: Any) -> Json:
    """Marks on all charts."""
    common: Json = {"datasource": DATASOURCE, "enable": True, "iconColor": color, "step": "1m"}
    said = {"expr": expression, "titleFormat": f"{{{{probe}}}} {{{{instance}}}}{title}"}
    return {"name": name, **common, **said, "textFormat": "", "tagKeys": ""} | more


def failures(selector: str) -> Json:
    """A mark, as long as it lasts, for every failure, with its place and reason."""
    return _annotation(
        "Failures",
        "red",
        f"mailtrip_last_failure_info{{{selector}}} == 1",
        " fails",
        textFormat="{{phase}} {{step}}: {{reason}} {{code}}",
        tagKeys="phase,reason",
    )


def maintenance(selector: str) -> Json:
    """A mark, as long as it lasts, for every window of planned maintenance."""
    expression = f"mailtrip_maintenance{{{selector}}} == 1"
    return _annotation("Planned maintenance", "blue", expression, ": planned maintenance")


def outages(selector: str) -> Json:
    """A mark at the start of every outage that lasted a while."""
    expression = f"1000 * mailtrip_outage_start_timestamp_seconds{{{selector}}}"
    title = ": an outage begins"
    return _annotation("Outages", "orange", expression, title, useValueForTime=True)


def placed(panels: Sequence[Json]) -> list[Json]:
    """From left to right and top to bottom; a panel's number is its place, so that it is stable."""
    x = y = height = 0
    out = []
    for number, panel in enumerate(panels, 1):
        width = panel["gridPos"]["w"]
        if x + width > WIDTH:
            x, y, height = 0, y + height, 0
        out.append(panel | {"id": number, "gridPos": panel["gridPos"] | {"x": x, "y": y}})
        x, height = x + width, max(height, panel["gridPos"]["h"])
    return out


def dashboard(name: str, title: str, description: str, panels: Sequence[Json], **more: Any) -> Json:
    """A whole dashboard. `more`: variables, annotations, links, time."""
    others = {
        "title": "mailtrip",
        "type": "dashboards",
        "tags": ["mailtrip"],
        "asDropdown": True,
        "includeVars": False,
        "keepTime": True,
    }
    links = [{"type": "link", **link} for link in more.get("links", [])]
    return {
        "uid": f"mailtrip-{name}",
        "title": title,
        "description": description,
        "tags": ["mailtrip"],
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "refresh": "1m",
        "time": {"from": more.get("time", "now-24h"), "to": "now"},
        "timezone": "browser",
        "templating": {"list": more["variables"]},
        "annotations": {"list": more.get("annotations", [])},
        "links": [others, *links],
        "panels": placed(panels),
    }
