"""The state diagram knows every state of a trip's message, and every change that the ledger makes."""

import re
from pathlib import Path

from exporter.core.phases import Phase
from exporter.state.trip import State

PAGE = (Path(__file__).resolve().parents[2] / "docs/diagrams.md").read_text(encoding="utf-8")
STATES, SEQUENCE = (
    next(block for block in re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL) if kind in block)
    for kind in ("stateDiagram", "sequenceDiagram")
)
CHANGES = re.findall(r"^    (\S+) --> (\S+?):", STATES, re.MULTILINE)
OUTSIDE = "[*]"


def test_every_state_is_drawn_and_can_be_entered_and_left() -> None:
    names = {state.name for state in State}
    assert {before for before, _ in CHANGES} == names | {OUTSIDE}
    assert {after for _, after in CHANGES} == names | {OUTSIDE}


def test_every_state_is_told_after_a_restart() -> None:
    rows = re.findall(r"^\| ([A-Z, ]+?)[,a-z ()]* \|", PAGE, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"[A-Z]{2,}", row)}
    assert told == {state.name for state in State}


def test_every_phase_of_a_trip_is_drawn_in_its_order() -> None:
    places = [SEQUENCE.index(f": {phase}") for phase in Phase]
    assert places == sorted(places)
