"""The parameters of a request, in its address."""

import re

from aiohttp import web

from exporter.core.model import ProbeKey, ProbeRefused
from exporter.probing.probes import ProbeTable

EXAMPLE = "/probe?module=submission&target=monitor@example.org"


def single(request: web.Request, name: str) -> str:
    """An optional parameter. Raises ValueError if it is given several times."""
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise ValueError(f"parameter {name} is given {len(values)} times")
    return values[0] if values else ""


def page_number(text: str) -> int:
    """The number of a page; the first one if it is empty. Raises ValueError."""
    if text and not re.fullmatch("0*[1-9][0-9]{0,5}", text, re.ASCII):
        raise ValueError(f"page {text!r} is not a page number; the first page is 1")
    return int(text or 1)


def renews(text: str) -> bool:
    """Whether a page may renew itself: unless it is "off". Raises ValueError."""
    if text not in ("", "off"):
        raise ValueError(f"unknown value {text!r} of refresh; use off, or leave it out")
    return not text


def required(request: web.Request, name: str) -> str:
    """Raises ProbeRefused if it is missing, empty, or given several times."""
    try:
        value = single(request, name)
    except ValueError as error:
        raise ProbeRefused(400, "bad_request", f"{error}; example: {EXAMPLE}") from None
    if not value:
        raise ProbeRefused(400, "bad_request", f"parameter {name} is missing; example: {EXAMPLE}")
    return value


def probe_key(request: web.Request, probes: ProbeTable) -> ProbeKey:
    """The probe that a request names, by its name (probe=) or by module and target. For reading.
    Raises ProbeRefused."""
    if request.query.get("probe") and not request.query.get("module"):
        return probes.by_name(required(request, "probe"))
    return pair_key(request, probes, read_only=True)


def pair_key(request: web.Request, probes: ProbeTable, *, read_only: bool = False) -> ProbeKey:
    """The probe of a module and a target, which some modules do not need. Raises ProbeRefused."""
    module = required(request, "module")
    optional = not request.query.get("target") and probes.needs_no_target(module)
    target = "" if optional else required(request, "target")
    return probes.key(module, target, read_only=read_only)


def perhaps_probe_key(request: web.Request, probes: ProbeTable) -> ProbeKey | None:
    """The same; None if the request names none."""
    if not any(request.query.get(name) for name in ("probe", "module", "target")):
        return None
    return probe_key(request, probes)
