"""`mailtrip check` on files, as a user types it."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.commands.test_cli import mailtrip
from tests.support.screen import Screen

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("colour", [True, False])
def test_check_shows_the_line_of_a_mistake_in_a_terminal_with_a_caret(
    file: str, tmp_path: Path, colour: bool
) -> None:
    text = Path(file).read_text().replace("listen", "lisen")
    Path(file).write_text(f"{text}password: hunter2\n")
    environment = {} if colour else {"NO_COLOR": "1"}
    screen = Screen(
        "check", Path(file).name, directory=tmp_path, columns=120, environment=environment
    )
    assert screen.close() == 2
    seen = screen.now.splitlines()
    place = next(
        place for place, line in enumerate(seen) if "unknown key; did you mean lis" in line
    )
    assert seen[place + 1].startswith("    3 |   own: {smtpd: {lisen: ")
    assert seen[place + 2] == "      |                 ^"
    assert "hunter" not in screen.now
    assert ("\x1b[1;31mFAILED" in screen.written.decode()) is colour
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", screen.written.decode()) is None or colour


def test_check_counts_what_is_good_and_tells_every_mistake_with_its_place(
    file: str, tmp_path: Path
) -> None:
    good = mailtrip("check", file, directory=tmp_path, MAILTRIP_TEST_PASSWORD="x")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == f"{file}: OK: modules: 2, mailboxes: 2, probes: 2\n"
    Path(file).write_text(
        Path(file).read_text().replace("listen", "lisen").replace("mailbox: own", "mailbox: onw")
    )
    bad = mailtrip("check", file, directory=tmp_path)
    assert bad.returncode == 2
    assert bad.stderr.splitlines() == [
        f"{file}:3:16: mailboxes.own.smtpd: listen is missing",
        f"{file}:3:17: mailboxes.own.smtpd.lisen: unknown key; did you mean listen?",
        f"{file}:11:16: modules.self.roundtrip.mailbox: unknown mailbox onw; did you mean own?",
        f"{file}: FAILED: errors: 3",
    ]
    served = mailtrip("serve", "--config.file", file, directory=tmp_path)
    assert served.returncode == 2
    assert served.stderr.splitlines() == bad.stderr.splitlines()[:-1]


def test_several_files_are_checked_as_one_configuration_or_each_for_itself(
    file: str, tmp_path: Path
) -> None:
    more = tmp_path / "more.yml"
    more.write_text("probes:\n  - {name: more, module: self, target: more@mon.example.org}\n")
    have: dict[str, Any] = {"directory": tmp_path, "MAILTRIP_TEST_PASSWORD": "x"}
    together = mailtrip("check", "--config.file", file, "--config.file", str(more), **have)
    assert (together.returncode, together.stderr) == (0, "")
    assert together.stdout == f"{file}, {more}: OK: modules: 2, mailboxes: 2, probes: 3\n"
    apart = mailtrip("check", file, str(more), **have)
    assert apart.returncode == 2
    assert (
        apart.stderr
        == f"{more}:2:26: probes[0].module: unknown module self; this file defines none\n"
    )
