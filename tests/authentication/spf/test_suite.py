"""The test suite of the SPF project for RFC 7208 (rfc7208-tests.yml, with its licence beside
it)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.authentication.lookups import Lookups
from exporter.authentication.spf.evaluation import check_spf
from exporter.net.dns.answer import DnsResult
from tests.support.zone import Records, Zone

SUITE = Path(__file__).with_name("rfc7208-tests.yml")
CASES = 203


def zone_of(data: dict[str, list[Any]]) -> Records:
    """The zone of a scenario. Records of the former type SPF are TXT records, unless there are
    some; `NONE` keeps them from being that, and TIMEOUT is every other type's answer."""
    zone: dict[str, dict[str, Any]] = {}
    for name, entries in data.items():
        types: dict[str, Any] = {}
        for entry in entries:
            if entry == "TIMEOUT":
                types["*"] = DnsResult.TIMEOUT
                continue
            ((kind, value),) = entry.items()
            types.setdefault(kind, [])
            if value == "TIMEOUT":
                types[kind] = DnsResult.TIMEOUT
            elif value != "NONE":
                types[kind].append(text_of(kind, value))
        former = types.pop("SPF", None)
        if "*" in types and types.get("TXT") == []:
            del types["TXT"]
        elif former is not None and not {"TXT", "*"} & types.keys():
            types["TXT"] = former
        zone[name.removesuffix(".")] = types
    return zone


def text_of(kind: str, value: Any) -> str:
    if kind == "MX":
        return f"{value[0]} {value[1]}."
    return "".join(value) if isinstance(value, list) else str(value)


def cases() -> Iterator[Any]:
    for scenario in yaml.load_all(SUITE.read_text(encoding="utf-8"), yaml.CSafeLoader):
        zone = zone_of(scenario["zonedata"])
        for name, test in scenario["tests"].items():
            results = test["result"]
            yield pytest.param(
                zone, test, results if isinstance(results, list) else [results], id=name
            )


@pytest.mark.parametrize(("zone", "test", "results"), list(cases()))
async def test_the_suite_agrees(zone: Records, test: dict[str, str], results: list[str]) -> None:
    verdict = await check_spf(
        test["host"], test.get("mailfrom", ""), test.get("helo", ""), Lookups(Zone(zone))
    )
    assert verdict.result in results, verdict


def test_the_suite_is_whole() -> None:
    assert len(list(cases())) == CASES
