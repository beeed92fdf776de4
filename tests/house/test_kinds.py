"""A kind of sender, mailbox or check is one field of its registry: nothing else knows it by name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.checks import CheckOptions
from exporter.config.choice import Choice
from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.kind import MailboxKind
from exporter.senders import SendOptions
from exporter.senders.kind import SenderKind
from tests.house.test_house import EXPORTER, PACKAGE, expect_none, imports, nodes, place

KINDS = {"senders": SendOptions.choices, "mailboxes": MailboxOptions.choices}
NAMES = {name for names in KINDS.values() for name in names}
NO_KIND = {
    ("checks/dnsbl_options.py", "mx"),
    ("authentication/spf/evaluation.py", "mx"),
    ("authentication/spf/record.py", "mx"),
}
"""Words that mean something else: the records of a domain, and a mechanism of SPF."""

KNOW_NO_CHECK = (
    "app.py",
    "checks/module.py",
    "metrics/",
    "probing/",
    "terminal/__init__.py",
    "tracing/",
)


def test_no_kind_is_known_by_name() -> None:
    expect_none(names_of_kinds())


def names_of_kinds() -> Iterator[str]:
    cure = "ask the options of the kind (senders/kind.py, mailboxes/kind.py)"
    for file in EXPORTER:
        name = str(file.relative_to(PACKAGE))
        room, _, rest = name.partition("/")
        own = rest.partition("/")[0].removesuffix(".py")
        if room == "net" or (room in KINDS and own == "__init__"):
            continue
        for line, word in words_of(file):
            if word in NAMES - {own} and (name, word) not in NO_KIND:
                yield f"{place(file, line)}: {word}: {cure}"


def test_no_check_is_known_by_name() -> None:
    expect_none(
        f"{place(file, line)}: {word}: ask the check, its options or its scope"
        for file in EXPORTER
        if file.relative_to(PACKAGE).as_posix().startswith(KNOW_NO_CHECK)
        for line, word in words_of(file)
        if word in CheckOptions.choices
    )


def words_of(file: Path) -> Iterator[tuple[int, str]]:
    """Attributes, texts of one word, and what is imported of the rooms of kinds."""
    for node in nodes(file):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    for line, module in imports(file):
        package, room, *kind = [*module.split("."), "", ""][:3]
        if package == "exporter" and room in KINDS:
            yield line, kind[0]


@pytest.mark.parametrize(
    ("choice", "asked"), [(SendOptions, SenderKind), (MailboxOptions, MailboxKind)]
)
def test_every_kind_answers_what_kinds_are_asked(choice: type[Choice], asked: type) -> None:
    questions = {name for name in vars(asked) if not name.startswith("_")}
    questions |= set(asked.__annotations__)
    for options in choice.kinds().values():
        answers = {*dir(options), *options.model_fields}
        assert questions <= answers, f"{options.__name__} lacks {sorted(questions - answers)}"
