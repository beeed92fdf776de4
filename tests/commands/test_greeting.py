"""The first lines of `mailtrip serve`: what they tell to type works where they are read."""

import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from exporter.commands.greeting import FIRST, own_command
from exporter.settings import Settings
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("mailtrip")


def test_the_configuration_to_begin_with_is_good_and_is_the_readme_s() -> None:
    assert list(Settings.load(str(FIRST)).mailboxes) == ["monitor"]
    assert textwrap.indent(FIRST.read_text(), "   ") in (ROOT / "README.md").read_text(
        encoding="utf-8"
    )


def test_a_program_that_is_not_on_the_path_is_named_as_it_is_found_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, plain = tmp_path / "a b" / "bin", tmp_path / "plain"
    for directory in (odd, plain):
        directory.mkdir(parents=True)
        (directory / "mailtrip").write_text("#!/bin/sh\n")
        (directory / "mailtrip").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(plain))
    assert own_command(str(odd / "mailtrip")) == "'a b/bin/mailtrip'"
    assert own_command("a b/bin/mailtrip") == "'a b/bin/mailtrip'"
    assert own_command(str(plain / "mailtrip")) == "mailtrip"
    assert (
        own_command("/opt/mailtrip/exporter/__main__.py")
        == f"{shlex.quote(sys.executable)} -m exporter"
    )
    monkeypatch.chdir(odd)
    assert own_command(str(plain / "mailtrip")) == "mailtrip"
    monkeypatch.setenv("PATH", "/nowhere")
    assert own_command(str(plain / "mailtrip")) == str(plain / "mailtrip")


@pytest.mark.usefixtures("servers")  # and so not where mailtrip is not installed
def test_what_is_printed_can_be_saved_and_typed(tmp_path: Path) -> None:
    """One after the other: without a configuration, all listen on the same port for mail."""
    for path in ("/usr/bin:/bin", f"{PROGRAM.parent}:/usr/bin:/bin"):
        (directory := tmp_path / str(len(path))).mkdir()
        save_and_type(path, directory)


def save_and_type(path: str, tmp_path: Path) -> None:
    environment = {"PATH": path}
    command = [str(PROGRAM), "serve", "--web.listen-address", f"127.0.0.1:{free_port()}"]
    serving = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert serving.stdout
    said = ""
    try:
        while not re.search(r"^  Then: .*\n", said, re.MULTILINE):
            line = serving.stdout.readline()
            assert line, said
            said += line
    finally:
        serving.kill()
        serving.communicate()
    assert FIRST.read_text() in said
    (tmp_path / "mailtrip.yml").write_text(FIRST.read_text().replace("/run/secrets", str(tmp_path)))
    for secret in ("imap", "smtp"):
        (tmp_path / secret).write_text("hunter2")
    then = said.split("Then:")[1].split("&&")[0].strip()
    typed = then.replace(" --try", "")  # its servers do not exist
    assert typed == f"{'mailtrip' if str(PROGRAM.parent) in path else PROGRAM} check mailtrip.yml"
    done = subprocess.run(
        ["sh", "-c", typed], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
