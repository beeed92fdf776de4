"""The man page and the completions for shells say what the command line says."""

import subprocess
from pathlib import Path

import pytest

from docs import command_parser, commandline, manual_page
from exporter import __version__
from exporter.commands.flags import LOG_FORMATS, LOG_LEVELS

COMPLETE = """\
source {script}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
compopt() {{ :; }}
_mailtrip
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
"""What bash does when Tab is pressed. compopt works within a real completion only."""


def in_bash(*words: str, directory: Path = commandline.ROOT) -> list[str]:
    script = commandline.SHARE / "bash-completion/completions/mailtrip"
    given = " ".join(f"'{word}'" for word in words)
    text = COMPLETE.format(script=script, words=given)
    done = subprocess.run(
        ["bash", "-u"], input=text, cwd=directory, capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("name", commandline.texts())
def test_each_file_is_made_from_the_command_line(name: str) -> None:
    written = (commandline.SHARE / name).read_text(encoding="utf-8")
    assert written == commandline.texts()[name], f"share/{name} is stale: {command_parser.COMMAND}"


def test_nothing_else_is_installed_beside_the_program() -> None:
    files = {
        str(file.relative_to(commandline.SHARE))
        for file in commandline.SHARE.rglob("*")
        if file.is_file()
    }
    assert files == set(commandline.texts())


def test_the_man_page_names_the_version_every_command_and_every_flag() -> None:
    page = manual_page.man_page()
    plain = page.replace("\\-", "-")
    assert f'"mailtrip {__version__}"' in plain
    _, commands = command_parser.command_line()
    for name, command in commands.items():
        assert f"\n.SS {name}\n" in plain
        for flag in command_parser.flags(command):
            assert all(f"\\fB{option}\\fR" in plain for option in flag.option_strings)


def test_the_man_page_puts_into_brackets_what_may_be_left_out() -> None:
    page = manual_page.man_page()
    assert "\n[\\fITARGET\\fR]\n" in page, "init asks for it"
    assert "\n[\\fINAME\\fR]\n" in page, "status shows all"
    assert "\n\\fINAME|TARGET\\fR\n" in page, "probe needs it"


def test_man_has_no_warning(servers: None) -> None:
    page = commandline.SHARE / "man/man1/mailtrip.1"
    done = subprocess.run(
        ["man", "--local-file", "--warnings", "--encoding=utf8", page],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    assert "--web.listen-address" in done.stdout


def test_bash_completes_commands_and_their_flags() -> None:
    assert in_bash("mailtrip", "s") == ["serve", "status", "schema"]
    assert in_bash("mailtrip", "check", "--t") == ["--try"]
    assert in_bash("mailtrip", "probe", "--config.file", "x.yml", "--tr") == ["--transcript"]
    assert in_bash("mailtrip", "schema", "--t") == [""]


def test_bash_completes_the_values_of_flags() -> None:
    assert in_bash("mailtrip", "serve", "--log.format", "") == list(LOG_FORMATS)
    # bash itself parts words at =
    assert in_bash("mailtrip", "serve", "--log.level", "=", "W") == ["WARNING"]
    assert in_bash("mailtrip", "serve", "--log.level", "=") == list(LOG_LEVELS)


def test_bash_completes_files_whose_names_hold_blanks(tmp_path: Path) -> None:
    (tmp_path / "our mail.yml").touch()
    (tmp_path / "our state").mkdir()
    both = ["our mail.yml", "our state"]
    assert sorted(in_bash("mailtrip", "check", "o", directory=tmp_path)) == both
    assert sorted(in_bash("mailtrip", "serve", "--config.file", "our", directory=tmp_path)) == both
    assert in_bash("mailtrip", "serve", "--state.dir", "", directory=tmp_path) == ["our state"]
