"""The diagrams name what the code has: the states of a trip's message, the phases, the methods."""

import re
from pathlib import Path

from exporter.core.phases import Phase
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.probing.ledger import Ledger
from exporter.probing.prober import Prober
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


def test_what_is_asked_of_a_part_is_a_method_of_its_class() -> None:
    classes = {"P": Prober, "L": Ledger, "W": Watcher}
    asked = re.findall(r"^ *[SP]->>([PLW]): (.+)$", SEQUENCE, re.MULTILINE)
    assert {who for who, _ in asked} == set(classes)
    methods = [(classes[who], text.partition(":")) for who, text in asked]
    assert len(methods) > 5
    assert not [text for kind, text in methods if not text[1] or not hasattr(kind, text[0])]


def test_a_message_enters_the_states_by_a_method_of_the_ledger() -> None:
    (first,) = re.findall(r"^    \[\*\] --> LEAVING: (\w+),", STATES, re.MULTILINE)
    assert hasattr(Ledger, first)
