"""Content negotiation by the headers Accept and Accept-Encoding (RFC 9110 section 12.5)."""

from exporter.metrics.exposition import Format

OPENMETRICS, VERSIONS = "application/openmetrics-text", ("1.0.0", "0.0.1")
MOST_CHOICES = 50  # that are looked at


def form_for(accept: str) -> Format:
    """The format with the greatest weight; OpenMetrics before text, and text for a client that
    accepts neither."""
    weights = {Format.TEXT: 0.0, Format.OPENMETRICS: 0.0}
    for choice in accept.split(",")[:MOST_CHOICES]:
        kind, *given = (part.strip().lower() for part in choice.split(";"))
        parameters = dict(_parameter(one) for one in given)
        form = _form(kind, parameters.get("version", ""))
        if form:
            weights[form] = max(weights[form], _weight(parameters.get("q", "1")))
    return (
        Format.OPENMETRICS if weights[Format.OPENMETRICS] > 0 and _is_best(weights) else Format.TEXT
    )


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client accepts gzip, by its header Accept-Encoding (RFC 9110 section 12.5.3)."""
    weights: dict[str, float] = {}
    for choice in accept_encoding.split(",")[:MOST_CHOICES]:
        coding, *given = (part.strip().lower() for part in choice.split(";"))
        weights[coding] = _weight(dict(_parameter(one) for one in given).get("q", "1"))
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def trip_format(wanted: str, accept: str) -> str:
    """The form of a trip: `text`, `json`, or empty for a page, which browsers get. Raises
    ValueError for another one."""
    if wanted not in ("", "html", "text", "json"):
        raise ValueError("the parameter format is html, text or json")
    if not wanted and "application/json" in accept and "text/html" not in accept:
        return "json"
    return "" if wanted == "html" else wanted


def _is_best(weights: dict[Format, float]) -> bool:
    return weights[Format.OPENMETRICS] >= weights[Format.TEXT]


def _form(kind: str, version: str) -> Format | None:
    """The format of a media range; None for a version that we do not write."""
    if kind == OPENMETRICS:
        return Format.OPENMETRICS if version in ("", *VERSIONS) else None
    return Format.TEXT if kind in ("text/plain", "text/*", "*/*") else None


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip().strip('"')


def _weight(text: str) -> float:
    """The weight, between 0 and 1; 0 if it is not a number."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return min(max(weight, 0.0), 1.0) if weight == weight else 0.0
