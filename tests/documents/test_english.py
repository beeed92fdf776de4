"""Words and phrases that were replaced in the texts that users read, and do not come back.

The table has what not to write, as a regular expression without regard to case, and what to write
instead. It holds for the pages, the alerts, the dashboards, the help of the series, the
documentation of the options, the templates, and what the program says in its errors, log and
transcripts, for the changelog and the API's description, and for the comments of the examples, the
chart, the workflows and the Makefile. Text in code spans and blocks is not checked: it is not
prose.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config.schema import json_schema
from exporter.metrics.definitions import OF_A_PROBE, OF_THE_EXPORTER, ONLY_ON_PROBE
from exporter.settings import Settings
from exporter.web.options import WebOptions

ROOT = Path(__file__).resolve().parents[2]

INSTEAD = {
    # Terms: one word for one thing.
    r"\bown receiver": "SMTP receiver",
    r"none of ours": "not listed",
    r"\bputs? off\b": "defers",
    r"(held|holds?|holding) back": "inhibited, inhibits",
    r"\b(who|is|are|was|be) hit\b": "affected",
    r"in the clear\b": "in plain text",
    r"\bmend(s|ed)?\b": "fix",
    r"\bin force\b": "current, takes effect",
    r"\bstrangers\b": "external senders, unknown clients",
    r"(all|its|their) mistakes?\b": "errors",
    # Archaisms.
    r"\banew\b": "again",
    r"\bwhoever\b": "the client, the owner, anyone who",
    r"\btells of\b": "describes, shows",
    r"\bstands? (on|at|beside|in) (the|a) (page|row)": "is on the page",
    r"\bcr(y|ies) wolf": "a false alarm",
    r"\bthe whole world\b": "every address",
    # Impersonal riddles.
    r"\b(nobody|somebody|everybody)\b": "name the subject: a server, a client, no trip",
    r"\bbeliev(e|es|ed)\b": "usable, valid, trusts",
    # Terms.
    r"\bbeats?\b": "interval",
    r"\bunder way\b": "in progress, in transit",
    # Jokes and images.
    r"without end\b": "more than the limit",
    r"speaks without being asked": "unsolicited",
    # Inversions.
    r"(?:^|[.] )Of (a|an|the) [^.,;]{3,60} (is|are) (read|kept|taken|asked)": "the subject first",
    r"(?:^|[.] )Of what ": "the subject first",
    r"(?:^|[.] )On `/\w+` stands? ": "`/probe` has …",
}

ROOMS = sorted(init.parent.name for init in ROOT.glob("exporter/*/__init__.py"))
PATTERNS = {"notices"}  # phrases of other programs, to be recognised


def prose(page: Path) -> Iterator[str]:
    """The paragraphs of a page, without code."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:\*|\d+[.]|\|) )", text):
        if not paragraph.startswith("    "):
            text_alone = re.sub(r"`[^`]*`", "`…`", paragraph.strip(" *|\n"))
            yield " ".join(text_alone.split())


def values(tree: Any, keys: set[str]) -> Iterator[str]:
    """The texts under these keys, at any depth."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in keys and isinstance(value, str):
                yield " ".join(value.split())
            else:
                yield from values(value, keys)
    elif isinstance(tree, list):
        for one in tree:
            yield from values(one, keys)


def comments(file: Path) -> Iterator[str]:
    """Each comment of a file of which a comment begins with # and a space, its lines joined."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
        _, sign, words = f" {line}".partition(" # ")
        if sign and found and found[-1][0] == number - 1 and not line.partition("#")[0].strip():
            found[-1] = (number, f"{found[-1][1]} {words.strip()}")
        elif sign:
            found.append((number, words.strip()))
    return (re.sub(r"`[^`]*`", "`…`", words) for _, words in found)


def with_comments() -> Iterator[Path]:
    """The files beside the program whose comments people read."""
    for folder in ("examples", "charts/mailtrip", ".github", ".ci", "mixin"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.is_file() and file.suffix not in {".json", ".md"}:
                yield file
    yield from (ROOT / name for name in ("Makefile", "Dockerfile", "mkdocs.yml", "pyproject.toml"))


def said(source: Path) -> list[str]:
    """The string literals of a module, docstrings included; of those with places, the words."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Constant)]
    whole = [node for node in found if isinstance(node, ast.JoinedStr)]
    parts = {part for one in whole for part in one.values}
    literals = [node for node in found if isinstance(node, ast.Constant) and node not in parts]
    strings = [node.value for node in literals if isinstance(node.value, str)] + [
        "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in one.values)
        for one in whole
    ]
    return [" ".join(re.sub(r"`[^`]*`", "`…`", text).split()) for text in strings]


@cache
def texts() -> dict[str, list[str]]:
    """Everything that is checked, by where it is."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    pages += [ROOT / "dashboards/README.md", ROOT / "charts/mailtrip/README.md"]
    found = {str(page.relative_to(ROOT)): list(prose(page)) for page in pages}
    for file in with_comments():
        if has := list(comments(file)):
            found[str(file.relative_to(ROOT))] = has
    described = json.loads((ROOT / "exporter/web/api/openapi.json").read_text(encoding="utf-8"))
    found["openapi.json"] = list(values(described, {"summary", "description"}))
    for rules in ROOT.glob("dashboards/rules/*.yml"):
        found[rules.name] = list(
            values(yaml.safe_load(rules.read_text(encoding="utf-8")), {"summary", "description"})
        )
    for board in ROOT.glob("dashboards/*.json"):
        found[board.name] = list(
            values(json.loads(board.read_text(encoding="utf-8")), {"title", "description"})
        )
    found["exporter/metrics/definitions.py"] = [
        series.help for series in (*ONLY_ON_PROBE, *OF_A_PROBE, *OF_THE_EXPORTER)
    ]
    for room in ROOMS:
        found[f"exporter/{room}"] = [
            text
            for source in sorted((ROOT / "exporter" / room).rglob("*.py"))
            if source.parent.name not in PATTERNS
            for text in said(source)
        ]
    found["exporter"] = [
        text for source in sorted(ROOT.glob("exporter/*.py")) for text in said(source)
    ]
    for template in ROOT.glob("exporter/web/pages/templates/*.html"):
        found[template.name] = [
            " ".join(line.split()) for line in template.read_text(encoding="utf-8").splitlines()
        ]
    for model in (Settings, WebOptions):
        found[f"options of {model.__name__}"] = list(values(json_schema(model), {"description"}))
    return found


def test_what_was_replaced_does_not_come_back() -> None:
    mistakes = [
        f"{place}: {found.group(0)!r}: write {instead!r}: {text[:120]}"
        for place, all_of_them in texts().items()
        for text in all_of_them
        for pattern, instead in INSTEAD.items()
        if (found := re.search(pattern, text, re.IGNORECASE))
    ]
    assert not mistakes, "\n".join(mistakes)


def test_every_kind_of_text_is_checked() -> None:
    found = texts()
    assert {"README.md", "docs/security.md", "docs/alerts.md", "mailtrip.alerts.yml"} <= set(found)
    assert {"overview.html", "exporter", "exporter/web", "exporter/commands"} <= set(found)
    assert {"CHANGELOG.md", "openapi.json", "Makefile", ".ci/run"} <= set(found)
    assert {"examples/compose.yml", "charts/mailtrip/templates/statefulset.yaml"} <= set(found)
    recorded = "mailtrip.recording.yml"  # it has no annotations
    assert [place for place, all_of_them in found.items() if not all_of_them] == [recorded]


@pytest.mark.parametrize(
    "text",
    [
        "The configuration is read anew.",
        "Of an IMAP server's answer 32 MiB are read.",
        "Their alerts are held back.",
        "absent while nobody knows",
        "This list is believed.",
        "Trips under way",
        "with a beat of its own",
    ],
)
def test_the_table_finds_what_it_should(text: str) -> None:
    assert any(re.search(pattern, text, re.IGNORECASE) for pattern in INSTEAD)
