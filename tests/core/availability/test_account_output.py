"""The account of a month for programs, and its figures."""

import csv
import json
from dataclasses import replace

import pytest

from exporter.core.availability.account import Month
from exporter.core.availability.account_output import (
    called,
    csv_lines,
    in_words,
    json_lines,
    percent,
)
from exporter.core.model import ProbeKey
from tests.core.availability.test_downtime import ENDED
from tests.support.accounts import account

PROBE = ProbeKey("submission", "a@example.org")
FORMULA = ProbeKey("submission", "=1+2@example.org")


def name(probe: ProbeKey) -> str | None:
    return "gmail" if probe == PROBE else None


def test_json_is_one_document_and_complete() -> None:
    accounts = [account(PROBE, ENDED, replace(ENDED, id="x", end=None), late=4), account(FORMULA)]
    found = json.loads("".join(json_lines(Month(2026, 10), accounts, name)))
    assert found["month"] == "2026-10"
    first, second = found["probes"]
    assert (first["probe"], second["probe"], second["target"]) == ("gmail", "", "=1+2@example.org")
    assert [one["id"] for one in first["outages"]] == ["trip1", "x"]
    assert [one["end"] for one in first["outages"]] == [1100.0, None]
    assert first["outages"][0]["reasons"] == ["send/connect"]
    assert (first["trips"], first["failures"], first["late"], first["lost"]) == (100, 3, 4, 1)
    assert first["delay_seconds"] == {"p50": None, "p90": None, "p99": None}
    assert second["outages"] == []
    assert json.loads("".join(json_lines(Month(2026, 10), [], name)))["probes"] == []


def test_csv_has_the_same_fields_and_no_formula() -> None:
    heading, first, second = csv.reader(csv_lines([account(PROBE, ENDED), account(FORMULA)], name))
    assert len(heading) == len(set(heading)) == len(first) == len(second)
    assert dict(zip(heading, first, strict=True))["outages"] == "1"
    assert dict(zip(heading, second, strict=True))["target"] == "'=1+2@example.org"
    assert dict(zip(heading, second, strict=True))["probe"] == ""


@pytest.mark.parametrize("begins", "=+-@＝＋－＠\t\r")
def test_no_beginning_of_a_formula_is_forgotten(begins: str) -> None:
    *_, row = csv.reader(csv_lines([account(ProbeKey("m", f"{begins}x"))], name))
    assert f"'{begins}x" in row


def test_figures_in_words() -> None:
    assert [percent(share) for share in (None, 1.0, 0.999999, 0.5, 0.0)] == [
        *("-", "100.000 %", "99.999 %", "50.000 %", "0.000 %"),
    ]
    assert (in_words(None), in_words(60.0)) == ("-", "60.0 s")
    assert (called(PROBE, name), called(FORMULA, name)) == ("gmail", str(FORMULA))
