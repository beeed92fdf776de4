"""Names that a reader would have to look up: each verb has one meaning, as in ARCHITECTURE.md."""

import ast
from collections.abc import Iterator

from tests.house.test_house import EXPORTER, TESTS, expect_none, place, tree

AMBIGUOUS = {
    "ask": "query (DNS), look_up (a blocklist), request_token, scrape (a probe), run (a check)",
    "asks": "covers",
    "begin": "open (a session), record (a trip), initial_response (SASL), start, run",
    "begins": "start",
    "knock": "preflight",
    "bear": "authenticate_with_token",
    "obtain": "get_token",
    "become": "configure",
    "fly": "run",
    "hear": "read, receive, expect",
    "heard": "a noun for what was received",
    "told": "a noun for what is returned",
    "overhear": "add_transcript",
}
"""Verbs that once meant several things, and what to write in their place."""


def test_a_verb_has_one_meaning() -> None:
    expect_none(ambiguous_functions())


def ambiguous_functions() -> Iterator[str]:
    for file in [*EXPORTER, *TESTS]:
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in AMBIGUOUS:
                yield f"{place(file, node.lineno)}: {node.name}: write {AMBIGUOUS[node.name]}"
