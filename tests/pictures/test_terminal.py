"""A shell is recorded as a person sees it: what is typed, and what is written, when."""

from pathlib import Path

import pytest

from tests.pictures.terminal import KEY, READ, START, record

pytestmark = pytest.mark.slow


def test_what_is_typed_and_written_is_recorded_with_its_time(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "hello").write_text(
        "#!/bin/sh\nprintf 'h\\303\\251llo \\033[1;31mall\\033[0m\\n'\n"
    )
    (programs / "hello").chmod(0o755)
    recording = record(["hello", "cd /"], tmp_path, [programs], columns=30, rows=6)
    texts = [" ".join(run.text for run in line) for line in recording.pictures()[-1].lines]
    assert texts == ["$ hello", "héllo all", "$ cd /", "$", "", ""]
    typed = [at for at, _ in recording.output]
    assert typed == sorted(typed)
    assert typed[0] == 0.0
    assert typed[1] >= START
    assert typed[-1] >= START + 5 * KEY + READ + 4 * KEY
    (red,) = {run for one in recording.pictures() for line in one.lines for run in line if run.bold}
    assert (red.text, red.colour) == ("all", "red")
