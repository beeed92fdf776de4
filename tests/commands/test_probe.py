"""`mailtrip probe` of a probe of a configuration, as a user types it."""

import json
from pathlib import Path

import pytest

from tests.commands.test_cli import mailtrip

pytestmark = pytest.mark.slow


def test_a_good_trip_ends_with_0_and_a_failed_one_with_1_and_a_reason(
    file: str, tmp_path: Path
) -> None:
    good = mailtrip("probe", "--config.file", file, "me", directory=tmp_path)
    assert good.returncode == 0
    assert "  OK  " in good.stdout
    bad = mailtrip(
        "probe",
        "--config.file",
        file,
        "nobody",
        "--json",
        directory=tmp_path,
        MAILTRIP_TEST_PASSWORD="x",
    )
    assert bad.returncode == 1
    failure = json.loads(bad.stdout)["failure"]
    assert (failure["phase"], failure["step"], failure["reason"]) == ("send", "connect", "connect")
    assert "Traceback" not in good.stderr + bad.stderr


def test_what_was_said_is_printed_after_a_failure_and_on_demand(file: str, tmp_path: Path) -> None:
    probe = ("probe", "--config.file", file)
    assert "EHLO" not in mailtrip(*probe, "me", directory=tmp_path).stdout
    good = mailtrip(*probe, "me", "--transcript", directory=tmp_path)
    assert good.returncode == 0
    assert "send    C: EHLO" in good.stdout
    assert "mailbox -- message of" in good.stdout
    bad = mailtrip(*probe, "nobody", directory=tmp_path, MAILTRIP_TEST_PASSWORD="x")
    assert "mailbox -- connect: cannot connect to 127.0.0.1:1" in bad.stdout
    assert "--transcript" in mailtrip("probe", "--help", directory=tmp_path).stdout
    parsed = json.loads(mailtrip(*probe, "me", "--json", "--transcript", directory=tmp_path).stdout)
    assert any("C: EHLO" in line for line in parsed["transcript"])


def test_a_probe_by_module_and_target_must_be_allowed(file: str, tmp_path: Path) -> None:
    allowed = mailtrip(
        "probe",
        "--config.file",
        file,
        "--module",
        "self",
        "self@mon.example.org",
        directory=tmp_path,
    )
    assert allowed.returncode == 0
    for arguments, words in (
        (
            ["--module", "self", "other@mon.example.org"],
            "target 'other@mon.example.org' is not allowed; add a matching pattern",
        ),
        (["--module", "slef", "self@mon.example.org"], "unknown module 'slef'; did you mean self?"),
        (
            ["mee"],
            f"no probe 'mee' in {file}; did you mean me? (for any other target: --module MODULE"
            " TARGET)",
        ),
        (["xyz"], f"no probe 'xyz' in {file}; known: me, nobody (for"),
    ):
        done = mailtrip("probe", "--config.file", file, *arguments, directory=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"mailtrip: {words}")
        assert len(done.stderr.splitlines()) == 1
