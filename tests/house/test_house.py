"""The rules of the house that a machine can check. Each failure says the cure; ARCHITECTURE.md says
why."""

import ast
import builtins
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tests.support.syntax_trees import nodes
from tests.support.tree import ROOT, lines

PACKAGE = ROOT / "exporter"
EXPORTER = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DASHBOARDS = sorted((ROOT / "dashboards").rglob("*.py"))
DOCUMENTS = sorted((ROOT / "docs").rglob("*.py"))
PYTHON = [*EXPORTER, *TESTS, *DASHBOARDS]

LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(rooms.split())
    for rooms in (
        "__main__",
        "commands",
        "app web",
        "probing",
        "settings",
        "checks metrics tracing",
        "authentication blocklists mailboxes senders",
        "net",
        "mail",
        "config state terminal",
        "core",
        "__init__",
    )
)
"""Rooms of the house, top floor first. A room may use those on lower floors and nothing on its own
floor but itself."""

BORDER = {
    "aiohappyeyeballs": ("net/tcp.py",),
    "aiohttp": (
        "web/",
        "net/oauth2/",
        "net/mta_sts/",
        "net/graph/",
        "net/jmap/",
        "net/otlp/",
        "net/http/errors.py",
        "net/http/connector.py",
        "net/http/names.py",
    ),
    "aioimaplib": ("net/imap/",),
    "aiosmtpd": ("net/smtpd/",),
    "aiosmtplib": ("net/smtp/",),
    "backports": ("mailboxes/maildir/zstd.py",),
    "bcrypt": ("web/basic_auth.py",),
    "compression": ("mailboxes/maildir/zstd.py",),  # of Python 3.14
    "cryptography": ("net/",),
    "dns": ("net/dns",),
    "google": ("net/otlp/",),  # protobuf
    "idna": ("config/grammar.py",),
    "inotify_simple": ("mailboxes/maildir/events.py",),
    "jinja2": ("web/pages/",),
    "jwt": ("net/oauth2/",),
    "markupsafe": ("web/pages/",),
    "opentelemetry": ("net/otlp/",),
    "prometheus_client": ("metrics/",),
    "pydantic": ("",),  # options are fields, everywhere
    "pydantic_core": ("config/",),
    "rich": ("terminal/", "commands/"),
    "scramp": ("net/sasl/scram.py",),
    "sqlite3": ("state/",),
    "yaml": ("config/",),
}
"""Who may import a library: the files or rooms below exporter/ that translate it, and its errors,
into our words."""

KNOW_TRIPS = ("net/smtp/session.py", "mailboxes/watcher/")
"""Those below the senders who know a trip: who sends its message, and whom it waits for."""

IMPURE = {"asyncio", "io", "os", "pathlib", "shutil", "socket", "sqlite3", "subprocess", "tempfile"}
"""Modules that files, sockets and other processes need."""

CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
"""Functions that read the time, by the name before the dot."""

MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:wor[k]|far[m]|roo[t]|tmp/[w])\b")
BANNER = re.compile(r"\s*# -{10,}")

AMBIGUOUS = {
    "ask": "query (DNS), look_up (a blocklist), request_token, scrape (a probe), run (a check)",
    "asks": "covers",
    "begin": "open (a session), record (a trip), initial_response (SASL), start, run",
    "begins": "a verb for what it does",
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

DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}


def containing(files: Iterable[Path], pattern: str) -> Iterator[Path]:
    """Those that are worth a parse."""
    return (file for file in files if re.search(pattern, file.read_text(encoding="utf-8")))


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, with its line, also inside functions."""
    for node in nodes(file):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, (
                f"{place(file, node.lineno)}: write the import with its full name"
            )
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def place(file: Path, line: int) -> str:
    return f"{file.relative_to(ROOT)}:{line}"


def room_of(module: str) -> str:
    """The room of a module of ours; the package itself (its version) is the cellar."""
    words = module.split(".")
    is_room = len(words) > 1 and any(
        (PACKAGE / name).exists() for name in (f"{words[1]}.py", words[1])
    )
    return words[1] if is_room else "__init__"


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(LAYERS) if room in rooms)


def expect_none(complaints: Iterable[str]) -> None:
    found = sorted(set(complaints))
    assert not found, "\n".join(["", *found])


def test_every_room_has_its_floor() -> None:
    rooms = {file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in EXPORTER}
    homeless = rooms - frozenset[str]().union(*LAYERS)
    assert not homeless, f"give {sorted(homeless)} a place in LAYERS, and in ARCHITECTURE.md"


def test_imports_point_down() -> None:
    expect_none(imports_that_point_up())


def imports_that_point_up() -> Iterator[str]:
    for file in EXPORTER:
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for line, module in imports(file):
            used = room_of(module)
            if (
                module.split(".")[0] == "exporter"
                and used != room
                and floor_of(used) <= floor_of(room)
            ):
                yield (
                    f"{place(file, line)}: {room} may not use {used}: move what both need to a"
                    " lower floor"
                )


def test_no_import_goes_round_in_a_circle() -> None:
    expect_none(circles({module_of(file): used_modules(file) for file in EXPORTER}))


def circles(using: dict[str, set[str]]) -> Iterator[str]:
    """Takes away what uses nothing that is left, or is used by nothing that is left, as long as
    there is something to take away."""
    left = dict(using)
    while True:
        used_by_others = set().union(*left.values())
        ends = {one for one, used in left.items() if not used & left.keys()}
        ends |= left.keys() - used_by_others
        if not ends:
            break
        left = {one: used for one, used in left.items() if one not in ends}
    for module, used in sorted(left.items()):
        yield f"{module} and {', '.join(sorted(used & left.keys()))}: ask for a Protocol instead"


def test_a_circle_is_found() -> None:
    using = {"a": {"b", "d"}, "b": {"c"}, "c": {"a"}, "d": set(), "e": {"a", "d"}}
    assert [line.split()[0] for line in circles(using)] == ["a", "b", "c"]


def module_of(file: Path) -> str:
    words = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


@cache
def our_modules() -> set[str]:
    return {module_of(file) for file in EXPORTER}


def used_modules(file: Path) -> set[str]:
    """Ours that a file imports: a folder only if it takes something of its `__init__`."""
    ours, used = our_modules(), set[str]()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            used |= {name if name in ours else node.module or "" for name in names}
    return used & ours


def test_each_library_has_one_border() -> None:
    expect_none(imports_across_the_border())


def imports_across_the_border() -> Iterator[str]:
    for file in EXPORTER:
        name = str(file.relative_to(PACKAGE))
        for line, module in imports(file):
            library = module.split(".")[0]
            if (
                library not in BORDER
                and library != "exporter"
                and library not in sys.stdlib_module_names
            ):
                yield f"{place(file, line)}: say in BORDER who may import {library}"
            elif library in BORDER and not name.startswith(BORDER[library]):
                yield (
                    f"{place(file, line)}: {library} is for {' and '.join(BORDER[library])} alone:"
                    " go through it"
                )


def test_exceptions_are_translated_in_one_place() -> None:
    expect_none(own_translators())


def own_translators() -> Iterator[str]:
    """Context managers of net/ and mailboxes/ that raise one exception in place of another."""
    for file in EXPORTER:
        where = file.relative_to(PACKAGE).as_posix()
        if not where.startswith(("net/", "mailboxes/")) or where == "net/exceptions.py":
            continue
        for node in nodes(file):
            if isinstance(node, ast.Try) and any(inside(node.body, ast.Yield)):
                for handler in node.handlers:
                    if any(getattr(one, "exc", None) for one in inside(handler.body, ast.Raise)):
                        yield f"{place(file, handler.lineno)}: use net.exceptions.map_exceptions"


def test_no_two_files_translate_the_same_exception() -> None:
    """Those of Python itself have a meaning in each place."""
    seen: dict[str, list[str]] = {}
    for file in EXPORTER:
        if file != PACKAGE / "net/exceptions.py":
            for name, line in translated(file):
                seen.setdefault(name, []).append(place(file, line))
    expect_none(
        f"{', '.join(places)}: {name}: write one translator, such as net.exceptions.map_secrets"
        for name, places in seen.items()
        if len({one.partition(":")[0] for one in places}) > 1
    )


def translated(file: Path) -> Iterator[tuple[str, int]]:
    """What is caught where a ProbeError is raised instead."""
    for node in nodes(file):
        if not isinstance(node, ast.ExceptHandler) or node.type is None:
            continue
        raised = [
            getattr(getattr(one, "exc", None), "func", None) for one in inside(node.body, ast.Raise)
        ]
        if any(isinstance(one, ast.Name) and one.id == "ProbeError" for one in raised):
            for one in node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]:
                name = ast.unparse(one)
                if not hasattr(builtins, name) and name != "ProbeError":
                    yield name, node.lineno


def inside(body: list[ast.stmt], kind: type[ast.AST]) -> Iterator[ast.AST]:
    return (node for one in body for node in ast.walk(one) if isinstance(node, kind))


def test_sessions_take_a_trace_and_know_no_trip() -> None:
    expect_none(
        f"{place(file, line)}: take a Trace, and not a Run"
        for file in EXPORTER
        if file.relative_to(PACKAGE).as_posix().startswith(("net/", "mailboxes/"))
        if not file.relative_to(PACKAGE).as_posix().startswith(KNOW_TRIPS)
        for line, module in imports(file)
        if module.startswith("exporter.core.trace.run.")
    )


def test_mail_is_pure() -> None:
    expect_none(
        f"{place(file, line)}: {module}: mail/ computes; files and sockets belong to its callers"
        for file in EXPORTER
        if file.is_relative_to(PACKAGE / "mail")
        for line, module in imports(file)
        if module.split(".")[0] in IMPURE or module == "exporter.core.private_file"
    )


def test_the_clock_is_read_in_one_file_alone() -> None:
    expect_none(readings_of_the_clock())


def readings_of_the_clock() -> Iterator[str]:
    cure = "take the Clock of core/timing/clock.py as an argument"
    for file in EXPORTER:
        if file == PACKAGE / "core/timing/clock.py":
            continue
        for node in nodes(file):
            if isinstance(node, ast.Attribute) and node.attr in CLOCKS.get(
                last_name(node.value), ()
            ):
                yield f"{place(file, node.lineno)}: {ast.unparse(node)}: {cure}"
        for line, module in imports(file):
            owner, _, name = module.rpartition(".")
            if name in CLOCKS.get(owner, ()):
                yield f"{place(file, line)}: {module}: {cure}"


def last_name(node: ast.expr) -> str:
    """`datetime` of datetime.datetime, `time` of time."""
    return (
        node.attr
        if isinstance(node, ast.Attribute)
        else node.id
        if isinstance(node, ast.Name)
        else ""
    )


def test_nothing_is_patched() -> None:
    expect_none(patches())


def patches() -> Iterator[str]:
    for file in containing(TESTS, r"mock|monkeypatch"):
        for line, module in imports(file):
            if "mock" in module.split("."):
                yield f"{place(file, line)}: {module}: make the seam an argument"
        for node in nodes(file):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("setattr", "setitem")
                and ast.unparse(node.value) == "monkeypatch"
            ):
                yield f"{place(file, node.lineno)}: {ast.unparse(node)}: make the seam an argument"


def test_placeholders_in_sql_have_no_numbers() -> None:
    """Python 3.12.3, which Ubuntu 24.04 has, takes them for names, and warns."""
    expect_none(
        f"{file}: give the placeholder {found[0]} a name"
        for file in EXPORTER
        if file.relative_to(PACKAGE).parts[0] == "state"
        if (found := re.search(r"\?[0-9]", file.read_text(encoding="utf-8")))
    )


def test_no_file_is_a_drawer_for_odds_and_ends() -> None:
    expect_none(
        f"{place(file, 1)}: put each function where its noun lives"
        for file in PYTHON
        if file.stem in DRAWERS
    )


def test_a_verb_has_one_meaning() -> None:
    expect_none(ambiguous_functions())


def ambiguous_functions() -> Iterator[str]:
    for file in containing([*EXPORTER, *TESTS], rf"def ({'|'.join(AMBIGUOUS)})\b"):
        for node in nodes(file):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in AMBIGUOUS:
                yield f"{place(file, node.lineno)}: {node.name}: write {AMBIGUOUS[node.name]}"


def test_each_verb_of_the_table_is_in_use() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.partition("\n## One verb, one meaning\n")[2].partition("\n## ")[0]
    verbs = {
        verb
        for line in section.splitlines()
        if line.startswith("| `")
        for verb in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    functions = {
        node.name
        for file in EXPORTER
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(verbs) > 10
    expect_none(f"ARCHITECTURE.md: no function is called {verb}" for verb in verbs - functions)


def test_no_banner_divides_a_file() -> None:
    expect_none(banners())


def banners() -> Iterator[str]:
    for file in containing((*PYTHON, *DOCUMENTS), BANNER.pattern):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if BANNER.match(line):
                yield f"{place(file, number)}: two nouns are two files; one needs no banner"


def test_the_tree_names_no_path_of_this_machine() -> None:
    expect_none(paths_of_this_machine())


def paths_of_this_machine() -> Iterator[str]:
    for where, line in lines(MACHINE_PATHS):
        yield f"{where}: {line.strip()[:80]}: the project stands alone and names no such path"
