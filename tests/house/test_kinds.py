"""A kind of sender, mailbox or check is one field of its registry: nothing else knows it by
name."""

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from inspect import getattr_static
from pathlib import Path
from textwrap import dedent
from typing import cast

import pytest

from exporter.checks import CheckOptions
from exporter.config.choice import Choice
from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.kind import MailboxKind
from exporter.senders import SendOptions
from exporter.senders.kind import SenderKind
from exporter.senders.options import SenderOptions
from tests.house.test_house import EXPORTER, PACKAGE, expect_none, imports, place
from tests.support.syntax_trees import nodes

KINDS = {"senders": SendOptions.choices, "mailboxes": MailboxOptions.choices}
NAMES = {name for names in KINDS.values() for name in names}
NO_KIND = {
    ("checks/dnsbl_options.py", "mx"),
    ("authentication/spf/evaluation.py", "mx"),
    ("authentication/spf/record.py", "mx"),
}
"""Words that mean something else: the records of a domain, and a mechanism of SPF."""
NO_KIND_IN_TEXTS = {
    "commands/flags.py": NAMES,  # it imports no kind; tests/commands/test_flags.py compares them
    "core/reasons.py": {"sendmail"},  # the program
    "core/steps.py": {"sendmail"},  # the program
    "config/header.py": {"mx"},  # of a host
    "config/placeholders.py": {"imap"},  # of a file
    "mail/notices/judging.py": {"smtp"},  # a word of servers
    "mail/notices/plain.py": {"smtp", "mx"},  # words of servers
    "commands/preflight/report.py": {"smtp"},  # another way, as advice
    "senders/mx_options.py": {"smtp"},  # another way, as advice
}
"""Words in the texts of a file that are no kind, or that it may know."""
_A_NAME = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(NAMES))})(?![\w-])")

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
        own = rest.partition("/")[0].removesuffix(".py").removesuffix("_options")
        if room == "net" or (room in KINDS and own == "__init__"):
            continue
        for line, word in words_of(file):
            if word in NAMES - {own} and (name, word) not in NO_KIND:
                yield f"{place(file, line)}: {word}: {cure}"
        for line, word in names_in_texts(nodes(file)):
            if word != own and word not in NO_KIND_IN_TEXTS.get(name, ()):
                yield f"{place(file, line)}: a text names {word}: {cure}"


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


def names_in_texts(found: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    """Names of kinds among the words of texts and their parts, but not of docstrings."""
    docstrings = {id(node.value) for node in found if isinstance(node, ast.Expr)}
    for node in found:
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str) and " " in node.value.strip():
            for name in _A_NAME.findall(node.value):
                yield node.lineno, name


def test_a_kind_in_a_text_is_found() -> None:
    code = '''
        """Of imap and pop3."""
        raise ValueError(f"use send.mx.each or {other}, not both")
        yield f"no junk folder: use imap or maildir, with {one}"
        start, host = "smtp://", "smtp.{}"
        text = "imaps, smtps and mx-records"
    '''
    found = tuple(ast.walk(ast.parse(dedent(code))))
    assert [name for _, name in names_in_texts(found)] == ["mx", "imap", "maildir"]


def test_each_exception_is_in_use() -> None:
    for name, words in NO_KIND_IN_TEXTS.items():
        named = {word for _, word in names_in_texts(nodes(PACKAGE / name))}
        assert named & words, f"{name} names no kind any more"


@pytest.mark.parametrize(
    ("choice", "asked"), [(SendOptions, SenderKind), (MailboxOptions, MailboxKind)]
)
def test_every_kind_answers_what_kinds_are_asked(choice: type[Choice], asked: type) -> None:
    questions = {name for name in vars(asked) if not name.startswith("_")}
    questions |= set(asked.__annotations__)
    for options in choice.kinds().values():
        answers = {*dir(options), *options.model_fields}
        assert questions <= answers, f"{options.__name__} lacks {sorted(questions - answers)}"


def test_a_kind_that_visits_each_exchanger_has_the_option_that_errors_name() -> None:
    for options in SendOptions.kinds().values():
        visits = vars(SenderOptions)["visits_each"] is not getattr_static(options, "visits_each")
        assert visits == ("each" in options.model_fields), options


def test_a_mailbox_with_folders_can_search_one_for_junk() -> None:
    for options in MailboxOptions.kinds().values():
        kind = cast("type[MailboxKind]", options)
        assert ("folders" in options.model_fields) <= kind.searches_junk, options


@pytest.mark.parametrize(
    ("choice", "makes"), [(SendOptions, "sender"), (MailboxOptions, "mailbox")]
)
def test_what_a_kind_works_with_is_imported_before(choice: type[Choice], makes: str) -> None:
    """By a start, or in the thread of a reload: the event loop would stand still meanwhile."""
    for options in choice.kinds().values():
        code = inspect.getsource(getattr(options, makes))
        loaded = re.findall(r"(?:from |load\(\")(exporter[.\w]+)", code)
        assert loaded, options.__name__
        assert {*loaded} <= {*options.model_construct().needs}, options.__name__
