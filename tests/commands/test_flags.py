"""Slips on the command line: each is answered with one line, and the cure. Nothing of the program
is imported."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.command_parser import command_line, meaning
from docs.command_parser import flags as flags_of
from exporter.commands import flags
from exporter.config.choice import Choice
from exporter.config.server_url import schemes_of
from exporter.core.logs import FORMATS
from exporter.mailboxes import MailboxOptions
from exporter.probing.probes import DEFAULT_MAX_TARGETS
from exporter.senders import SendOptions

CLI = Path(__file__).resolve().parents[2] / "docs/cli.md"
NAMED = "use --config.file FILE for the configuration"
SLIPS = {
    "serve mt.yml": f"mt.yml is not expected here; {NAMED}: mailtrip serve --config.file mt.yml;",
    "serve -- mt.yaml": (
        f"mt.yaml is not expected here; {NAMED}: mailtrip serve --config.file mt.yaml;"
    ),
    "probe mt.yml sub": (
        f"mt.yml is not expected here; {NAMED}: mailtrip probe --config.file mt.yml sub;"
    ),
    "probe sub mt.yml": (
        f"mt.yml is not expected here; {NAMED}: mailtrip probe --config.file mt.yml sub;"
    ),
    "probe mt.yml": (
        f"mt.yml is not expected here; {NAMED}: mailtrip probe --config.file mt.yml NAME;"
    ),
    "serve --config mt.yml": f"unknown flag --config: {NAMED};",
    "serve --config=mt.yml": f"unknown flag --config: {NAMED};",
    "serve --config-file mt.yml": f"unknown flag --config-file: {NAMED};",
    "serve --config_file=mt.yml": f"unknown flag --config_file: {NAMED};",
    "probe --config mt.yml sub": f"unknown flag --config: {NAMED};",
    "probe -c mt.yml sub": f"unknown flag -c: {NAMED};",
    "check -f mt.yml": f"unknown flag -f: {NAMED};",
    "check --frobnicate mt.yml": "unknown arguments: --frobnicate;",
    "probe": "the following arguments are required: NAME|TARGET;",
    "probe --config.file mt.yml a b": "unknown arguments: b;",
    "--web.listen-adress=:9100 serve": (
        "unknown arguments: --web.listen-adress=:9100; did you mean --web.listen-address?;"
    ),
    "--log.level=debug serve": ("write --log.level after the command: mailtrip serve --log.level;"),
    "--send=smtp://u:secret@h probe a@example.org": (
        "write --send after the command: mailtrip probe --send;"
    ),
    "srve": "unknown command 'srve'; did you mean serve?;",
    "PROBE me": "unknown command 'PROBE'; did you mean probe?;",
    "mt.yml": "unknown command 'mt.yml';",
    "probe --config.file mt.yml a\udcff": (
        "a NAME or TARGET must be UTF-8, without control characters;"
    ),
    "probe --config.file mt.yml --module m a\x1b": (
        "a NAME or TARGET must be UTF-8, without control characters;"
    ),
    "probe --config.file mt.yml --module m a@b\xa0": (
        "a NAME or TARGET contains U+00A0 (no-break space): type it again;"
    ),
    "serve --config.file=": "argument --config.file: the value is empty; is a variable not set?;",
    "serve --web.config.file=": (
        "argument --web.config.file: the value is empty; is a variable not set?;"
    ),
    "serve --state.dir=": "argument --state.dir: the value is empty; is a variable not set?;",
    "check ": "argument FILE: the value is empty; is a variable not set?;",
    "check --config.file=": "argument --config.file: the value is empty; is a variable not set?;",
    "probe --module= me": "argument --module: the value is empty; is a variable not set?;",
    "serve -config.file=mt.yml": (
        "unknown arguments: -config.file=mt.yml; did you mean --config.file?;"
    ),
    "serve --web.listen-adress :9100": (
        "--web.listen-adress :9100; did you mean --web.listen-address?;"
    ),
    "serve --listen :9100": (
        "unknown arguments: --listen :9100; did you mean --web.listen-address?;"
    ),
    "serve --log-level info": "unknown arguments: --log-level info; did you mean --log.level?;",
    "serve --state_dir=x": "unknown arguments: --state_dir=x; did you mean --state.dir?;",
    "probe --jsn me": "unknown arguments: --jsn; did you mean --json?;",
    "probe --send smtp://u:secret@h --mailbox imaps://u@h a@example.org": (
        "argument --send: other users can see a password on the command line: write only USER@;"
        " mailtrip asks for the password, or reads it from the variable MAILTRIP_SEND_PASSWORD;"
    ),
    "probe --send smtp://u@h --mailbox imaps://u:secret@h a@example.org": (
        "argument --mailbox: other users can see a password on the command line: write only USER@;"
        " mailtrip asks for the password, or reads it from the variable MAILTRIP_MAILBOX_PASSWORD;"
    ),
    "probe --send smtp://u@h a@example.org": (
        "--send needs --mailbox, where the message arrives, such as imaps://USER@HOST;"
    ),
    "probe --mailbox imaps://u@h a@example.org": (
        "--mailbox needs --send, how the message is sent, such as smtp://USER@HOST:587;"
    ),
    "probe --from me@example.org a@example.org": "--from needs --send and --mailbox;",
    "probe --timeout 5s gmail": "--timeout needs --send and --mailbox;",
    "probe --nameserver 192.0.2.53 gmail": "--nameserver needs --send and --mailbox;",
    "probe --send mx: --mailbox imaps://u@h --module m a@example.org": (
        "--send and --mailbox need no configuration: use them or --module;"
    ),
    "probe --send mx: --mailbox imaps://u@h --config.file mt.yml a@example.org": (
        "--send and --mailbox need no configuration: use them or --config.file;"
    ),
    "probe smtp://u@h imaps://u@h a@example.org": (
        "write mailtrip probe --send URL --mailbox URL TARGET;"
    ),
    "probe smtp://u@h": "write mailtrip probe --send URL --mailbox URL TARGET;",
    "init --smtp smtp://u@h --imap imaps://u@h": (
        "write mailtrip init --send URL --mailbox URL TARGET;"
    ),
    "init smtp://u:secret@h": "passwords are not possible here, since other users can see",
    "init --password secret": "passwords are not possible here, since other users can see",
    "probe --send smtp://u@h --mailbox imaps://u@h --pass secret a@example.org": (
        "mailtrip asks for them, or reads them from MAILTRIP_SEND_PASSWORD and MAILTRIP_MAILBOX"
    ),
    "init mt.yml": (f"mt.yml is not expected here; {NAMED}: mailtrip init --config.file mt.yml;"),
    "init -o mt.yml": "unknown flag -o: --config.file FILE is the file to write;",
    "init --output=mt.yml": "unknown flag --output: --config.file FILE is the file to write;",
    "maintenance list --frobnicate": "unknown arguments: --frobnicate;",
    "serve --web.max-targets 0": "argument --web.max-targets: not a positive whole number: '0';",
    "serve --web.max-targets -5": "argument --web.max-targets: not a positive whole number: '-5';",
    "serve --web.max-targets many": (
        "argument --web.max-targets: not a positive whole number: 'many';"
    ),
}

ORDINARY = """\
mailboxes:
  own: {imap: {host: mail.invalid, username: a, password: b}}
modules:
  m:
    roundtrip:
      from: a@example.org
      mailbox: own
      send: {smtp: {host: mail.invalid, port: 587, tls: starttls, username: a, password: b}}
probes: [{name: p, module: m, target: b@example.org}]
"""


@pytest.mark.parametrize(("line", "said"), SLIPS.items(), ids=[*map(repr, SLIPS)])
def test_a_slip_is_answered_with_one_line_and_the_cure(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        flags.read(line.split(" "))
    assert ended.value.code == 2
    (answer,) = capsys.readouterr().err.splitlines()
    assert said in answer
    named = next(word for word in line.split(" ") if not word.startswith("-"))
    command = "mailtrip" if "unknown command" in said else f"mailtrip {named}"
    assert answer.startswith(f"{command}: ")
    assert answer.endswith(f"; see {command} --help")
    assert "secret" not in answer


@pytest.mark.parametrize("name", ["a.yml", "x/y@example.org", "/nowhere/and/never"])
def test_a_name_or_target_that_looks_like_a_file_is_taken_with_a_configuration(name: str) -> None:
    assert flags.read(["probe", "--config.file", "mt.yml", name]).name == name


def test_what_is_written_twice_is_the_same() -> None:
    assert (flags.MAX_TARGETS, flags.LOG_FORMATS) == (DEFAULT_MAX_TARGETS, FORMATS)


@pytest.mark.parametrize("command", ["probe", "init"])
@pytest.mark.parametrize(("flag", "choice"), [("send", SendOptions), ("mailbox", MailboxOptions)])
def test_the_help_of_a_url_names_every_scheme(
    command: str, flag: str, choice: type[Choice]
) -> None:
    (action,) = (one for one in flags_of(command_line()[1][command]) if one.dest == flag)
    urls = meaning(action).partition(": ")[2]
    assert {*re.findall(r"([a-z0-9]+):(?=//|,| )", urls)} == schemes_of(choice).keys()


@pytest.mark.parametrize(("flag", "choice"), [("send", SendOptions), ("mailbox", MailboxOptions)])
def test_the_page_has_a_row_for_every_scheme(flag: str, choice: type[Choice]) -> None:
    _, _, table = CLI.read_text(encoding="utf-8").partition(f"\n| `--{flag}` |")
    rows = re.findall(r"^\| (`.*?) \|", table.partition("\n\n")[0], re.MULTILINE)
    found = {scheme for row in rows for scheme in re.findall(r"`([a-z0-9]+):", row)}
    assert found == schemes_of(choice).keys()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["schema", "check"])
def test_what_only_reads_options_imports_no_sessions(command: str, tmp_path: Path) -> None:
    file = tmp_path / "mt.yml"
    file.write_text(ORDINARY)
    heavy = ("asyncio", "ssl", "dns", "aiosmtplib", "aioimaplib", "cryptography", "rich")
    code = (
        "import sys; from exporter.__main__ import main\n"
        "try: main()\n"
        f"finally: print('had', *(m for m in {heavy} if m in sys.modules), file=sys.stderr)"
    )
    words = [command] if command == "schema" else [command, str(file)]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "had"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", ["--version", "serve --help", "serve mt.yml", "probe --send smtp://u:p@h x"]
)
def test_what_needs_no_program_imports_none(line: str) -> None:
    heavy = [
        "asyncio",
        "logging",
        "pydantic",
        "aiohttp",
        "cryptography",
        "dns",
        "rich",
        "aiosmtplib",
        "yaml",
        "jinja2",
        "exporter.settings",
    ]
    asked = (
        f"import sys, atexit; atexit.register(lambda: print('had', *(m for m in {heavy} if m in"
        " sys.modules)))"
    )
    code = f"{asked}; from exporter.__main__ import main; sys.argv[1:] = {line.split()}; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "had"


NEEDED_BY_NO_CHECK = (
    "aiohttp",
    "asn1crypto",
    "backports.zstd",
    "bcrypt",
    "cryptography",
    "jinja2",
    "jwt",
    "prometheus_client",
    "rich",
    "scramp",
    "sqlite3",
    "exporter.app",
    "exporter.checks.roundtrip",
    "exporter.mail.message",
    "exporter.mailboxes.watcher",
    "exporter.metrics",
    "exporter.probing",
    "exporter.state",
    "exporter.terminal",
    "exporter.web",
)


@pytest.mark.slow
@pytest.mark.parametrize("line", ["check {file}", "check --syntax-only {file}", "schema"])
def test_what_reads_a_configuration_imports_nothing_that_runs_it(line: str, tmp_path: Path) -> None:
    file = tmp_path / "mt.yml"
    file.write_text(
        "mailboxes: {i: {imap: {host: imap.example, username: a, password: b}}}\n"
        "modules: {m: {roundtrip: {from: a@example.test, mailbox: i, send: {smtp:"
        " {host: mail.example, username: a, password: b}}}}, d: {dnsbl: {lists: [bl.example]}}}\n"
        "probes: [{name: p, module: m, target: b@example.test}]\n"
    )
    code = (
        "import sys; sys.argv[1:] = sys.argv[1].split()\n"
        "from exporter.__main__ import main\n"
        "import gc; found = []; gc.callbacks.append(lambda *_: found.append('garbage'))\n"
        "try: main()\n"
        "finally: print(*sys.modules, *found, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, line.format(file=file)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "exporter.settings" in done.stderr.split()
    assert not set(NEEDED_BY_NO_CHECK) & set(done.stderr.split())
    assert "garbage" not in done.stderr.split(), "to look for it takes a third of the time"


@pytest.mark.parametrize("command", ["serve", "check", "probe x", "report"])
def test_the_file_of_the_working_directory_is_the_default(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert flags.read(command.split()).config_files == []
    (tmp_path / "mailtrip.yml").symlink_to("nowhere.yml")
    assert flags.read(command.split()).config_files == ["mailtrip.yml"]
    given = flags.read([*command.split(), "--config.file", "other.yml"])
    assert given.config_files == ["other.yml"]


@pytest.mark.parametrize(
    "command", ["check other.yml", "check --web.config.file web.yml", "schema", "maintenance list"]
)
def test_where_something_else_is_named_or_nothing_needed_there_is_no_default(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mailtrip.yml").touch()
    assert not getattr(flags.read(command.split()), "config_files", None)
