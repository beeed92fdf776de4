"""What is written: all or nothing, never over something else, and passwords for this user alone."""

import os
import stat
from pathlib import Path

import pytest

from exporter.commands.exit_status import CannotStart
from exporter.commands.setup.files import Files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


@pytest.fixture(params=[0, 0o077], ids=["umask 000", "umask 077"])
def umask(request: pytest.FixtureRequest) -> object:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_passwords_are_private_whatever_the_umask(tmp_path: Path) -> None:
    files = Files(tmp_path / "mailtrip.yml", replace=False)
    files.check(["imap"])
    files.write("text", {files.secret("imap"): "pässword"})
    secret = tmp_path / "secrets/imap"
    assert secret.read_text(encoding="utf-8") == "pässword\n"
    assert (mode(secret), mode(secret.parent)) == (0o600, 0o700)
    assert (tmp_path / "mailtrip.yml").read_text() == "text"
    assert names(tmp_path) == {"mailtrip.yml", "secrets", "secrets/imap"}


@pytest.mark.parametrize("there", ["mailtrip.yml", "secrets/imap"])
def test_what_exists_is_not_replaced(there: str, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / there).write_text("theirs")
    before = names(tmp_path)
    files = Files(tmp_path / "mailtrip.yml", replace=False)
    with pytest.raises(CannotStart, match=f"{there} exists: --force replaces it"):
        files.check(["imap"])
    with pytest.raises(CannotStart, match="cannot write .*: File exists"):  # since the check
        files.write("ours", {files.secret("imap"): "ours"})
    assert names(tmp_path) == before
    assert (tmp_path / there).read_text() == "theirs"


def test_a_link_to_nowhere_exists(tmp_path: Path) -> None:
    (tmp_path / "mailtrip.yml").symlink_to(tmp_path / "elsewhere.yml")
    with pytest.raises(CannotStart, match="mailtrip.yml exists"):
        Files(tmp_path / "mailtrip.yml", replace=False).check([])


def test_with_force_it_is_and_others_read_no_new_password_in_an_old_file(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    old = tmp_path / "secrets/imap"
    old.write_text("old")
    old.chmod(0o644)
    (tmp_path / "secrets/.imap.new").symlink_to(tmp_path / "elsewhere")
    with old.open() as reader:
        files = Files(tmp_path / "mailtrip.yml", replace=True)
        files.check(["imap"])
        files.write("ours", {files.secret("imap"): "ours"})
        assert reader.read() == "old"
    assert (old.read_text(), mode(old)) == ("ours\n", 0o600)
    assert names(tmp_path) == {"mailtrip.yml", "secrets", "secrets/imap"}


def test_after_a_failure_nothing_new_is_left(tmp_path: Path) -> None:
    (tmp_path / "mailtrip.yml").mkdir()
    (tmp_path / "mailtrip.yml/full").touch()
    files = Files(tmp_path / "mailtrip.yml", replace=True)
    with pytest.raises(CannotStart, match="cannot write .*: Is a directory"):
        files.write("text", {files.secret("imap"): "secret"})
    assert names(tmp_path) == {"mailtrip.yml", "mailtrip.yml/full"}


def test_a_missing_directory_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="the directory .*/none does not exist"):
        Files(tmp_path / "none/mailtrip.yml", replace=False).check([])


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_no_password_goes_where_others_could_replace_it(mode: int, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets").chmod(mode)
    files = Files(tmp_path / "mailtrip.yml", replace=True)
    files.check([])
    with pytest.raises(CannotStart, match="other users can replace files in the directory"):
        files.check(["imap"])
