"""Panels of Grafana dashboards as values: what all of them have in common is said once, here."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, RED, BLUE, GREY = "green", "yellow", "red", "blue", "#8e8e8e"
MOST_CURVES = 10
ITS_PROBE = "job, instance, probe, exporter, location"
"""The labels that say which probe a series is of; one that is scraped on two mailtrips has two."""


def mapped(*texts: tuple[str, str]) -> list[Json]:
    """`mapped(("clean", GREEN), ("listed", RED))`: words and colours instead of the numbers 0 and
    1."""
    options = {
        str(number): {"text": text, "color": color, "index": number}
        for number, (text, color) in enumerate(texts)
    }
    return [{"type": "value", "options": options}]


VERDICT = mapped(("failed", RED), ("OK", GREEN))


def steps(first: str, *above: tuple[float, str]) -> Json:
    """Colours by limits: `steps(GREEN, (1, RED))` is red from 1 on."""
    limits = [
        {"color": first, "value": None},
        *({"color": color, "value": value} for value, color in above),
    ]
    return {"mode": "absolute", "steps": limits}


def listed(expression: str) -> str:
    """Adds the label `name`: of a probe from /metrics its `probe`, of one from /probe its
    `instance`. For tables, which have a column for the place."""
    by_instance = f'label_replace({expression}, "name", "$1", "instance", "(.*)")'
    return f'label_replace({by_instance}, "name", "$1", "probe", "(.+)")'


def named(expression: str) -> str:
    """Adds the label `name`, as `listed` does, followed by the place if there is one."""
    with_place = f'label_join({listed(expression)}, "name", " in ", "name", "location")'
    return f'label_replace({with_place}, "name", "$1", "name", "(.*) in ")'


def query(expression: str, legend: str = "{{name}} · {{job}}", **more: Any) -> Json:
    """A query over the time range. `more` goes into the JSON."""
    return {
        "datasource": DATASOURCE,
        "expr": expression,
        "legendFormat": legend,
        "range": True,
        **more,
    }


def now(expression: str, legend: str = "") -> Json:
    """A query for the newest value only."""
    return query(expression, legend) | {"range": False, "instant": True}


def rows(expression: str) -> Json:
    """A query whose every element is a row of a table."""
    return now(expression) | {"format": "table"}


def panel(
    kind: str, title: str, description: str, queries: Sequence[Json], unit: str, **more: Any
) -> Json:
    """Any panel. `more`: thresholds, mappings, options, custom, overrides, links, interval, width,
    height."""
    defaults = {
        "unit": unit,
        "color": {"mode": more.get("color", "palette-classic")},
        "thresholds": more.get("thresholds", steps(GREEN)),
        "mappings": more.get("mappings", []),
        "custom": more.get("custom", {}),
        **more.get("defaults", {}),
    }
    made = {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": [{"refId": chr(ord("A") + number), **one} for number, one in enumerate(queries)],
        "fieldConfig": {"defaults": defaults, "overrides": more.get("overrides", [])},
        "options": more.get("options", {}),
        "gridPos": {"w": more.get("width", 12), "h": more.get("height", 8)},
        "links": more.get("links", []),
    }
    return made | {key: more[key] for key in ("interval", "transformations") if key in more}


def stat(title: str, description: str, expression: str, unit: str = "short", **more: Any) -> Json:
    """One number, in the colour of its threshold."""
    options = {
        "colorMode": "background",
        "graphMode": "none",
        "textMode": more.get("text", "value"),
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    kept = {"width": 4, "height": 4, "color": "thresholds"} | more
    return panel(
        "stat",
        title,
        description,
        [now(expression, more.get("legend", ""))],
        unit,
        options=options,
        **kept,
    )


def lines(
    title: str, description: str, queries: Sequence[Json], unit: str = "s", **more: Any
) -> Json:
    """Curves over time."""
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 0,
        "showPoints": "auto",
        "thresholdsStyle": {"mode": "dashed" if "thresholds" in more else "off"},
    }
    options = {
        "legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    kept = {"custom": custom, "options": options, "defaults": {"min": 0}} | more
    return panel("timeseries", title, description, queries, unit, **kept)


def logarithmic(thresholds: Json | None = None, *, linear_below: float | None = None) -> Json:
    """The look of curves of durations, which differ by factors: for `lines`. A logarithmic axis
    leaves 0 out, unless it is linear below some seconds."""
    scale: Json = {"type": "log", "log": 10}
    if linear_below is not None:
        scale |= {"type": "symlog", "linearThreshold": linear_below}
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 0,
        "showPoints": "auto",
        "thresholdsStyle": {"mode": "dashed" if thresholds else "off"},
        "scaleDistribution": scale,
    }
    return {"custom": custom, **({"thresholds": thresholds} if thresholds else {})}


def worst(expression: str, by: str, badness: str) -> str:
    """Of many series those that were worst in the time range, the same ones at every moment: a
    reader cannot tell more apart."""
    return f"{expression} and on ({by}) topk({MOST_CURVES}, {badness})"


def highest(series: str) -> str:
    """Of the probes those with the highest values of this series."""
    maximum = f"max_over_time({series}[$__range] @ end())"
    return worst(series, ITS_PROBE, maximum)


def bars(
    title: str, description: str, queries: Sequence[Json], unit: str = "short", **more: Any
) -> Json:
    """Stacked bars: how many in each stretch of time. `interval` keeps a bar wider than the time
    between trips."""
    custom: Json = {"drawStyle": "bars", "fillOpacity": 70, "lineWidth": 0, "axisSoftMax": 1}
    custom["stacking"] = {"mode": "normal", "group": "A"}
    kept = {"custom": custom, "interval": "5m", "defaults": {"min": 0, "decimals": 0}} | more
    return lines(title, description, queries, unit, **kept)


def bands(
    title: str,
    description: str,
    queries: Sequence[Json],
    colors: Sequence[str] = (),
    **more: Any,
) -> Json:
    """What is wrong, from when to when: a band for each series while it is 1, one on another, so
    that the height says how much is wrong at once. `colors` are those of the queries' legends."""
    custom: Json = {"drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 0}
    custom |= {"fillOpacity": 80, "showPoints": "never", "axisSoftMax": 1}
    custom["stacking"] = {"mode": "normal", "group": "A"}
    fixed = [
        column(one["legendFormat"], color={"mode": "fixed", "fixedColor": color})
        for one, color in zip(queries, colors, strict=False)
    ]
    # Shades of red: in the usual colours, what fails would often be green.
    defaults: Json = {"min": 0, "decimals": 0, "color": {"mode": "shades", "fixedColor": RED}}
    kept = {"custom": custom, "overrides": fixed} | more
    kept["defaults"] = defaults | more.get("defaults", {})
    return lines(title, description, queries, "short", **kept)


def table(
    title: str, description: str, queries: Sequence[Json], columns: dict[str, str], **more: Any
) -> Json:
    """A table of these columns, in their order: `{"instance": "Target", "Value #A": "State"}`."""
    organized = {
        "indexByName": {name: number for number, name in enumerate(columns)},
        "renameByName": columns,
    }
    transformations = [
        # First, since rows are merged only if all that they share is equal, and the names of the
        # series are not.
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {"id": "merge", "options": {}},
        {"id": "organize", "options": organized},
    ]
    options = {"showHeader": True, "cellHeight": "sm", "sortBy": more.get("sort", [])}
    kept = {"color": "thresholds", "width": 24, "custom": {"align": "left"}} | more
    unit: str = more.get("unit", "none")
    kept.pop("unit", None)
    return panel(
        "table",
        title,
        description,
        queries,
        unit,
        options=options,
        transformations=transformations,
        **kept,
    )


def column(name: str, **properties: Any) -> Json:
    """An override for one column or series: its unit, thresholds, mappings, links, `custom.…`."""
    listed = [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": listed}


def colored(name: str, **properties: Any) -> Json:
    """A column whose cells have the colour of their thresholds or mappings."""
    return column(
        name, custom__cellOptions={"type": "color-background", "mode": "basic"}, **properties
    )


def row(title: str) -> Json:
    """A heading."""
    return {
        "type": "row",
        "title": title,
        "collapsed": False,
        "panels": [],
        "gridPos": {"w": 24, "h": 1},
    }
