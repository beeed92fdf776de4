"""Files that only we may read."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.core.private_file import PRIVATE, keep_private, open_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True, params=[0o000, 0o277], ids=["no umask", "a strict umask"])
def _umask(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Once the directory is there, which it would close to ourselves."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_a_new_file_is_ours_alone_whatever_the_umask(tmp_path: Path) -> None:
    descriptor = open_private(tmp_path / "key", os.O_RDWR)
    assert os.write(descriptor, b"secret") == 6
    os.close(descriptor)
    assert mode(tmp_path / "key") == PRIVATE


def test_an_old_file_that_others_may_read_becomes_ours_alone(tmp_path: Path) -> None:
    for made_private in (keep_private, lambda path: os.close(open_private(path, os.O_RDONLY))):
        (tmp_path / "old").write_bytes(b"kept")
        os.chmod(tmp_path / "old", 0o644)
        made_private(tmp_path / "old")
        assert mode(tmp_path / "old") == PRIVATE
        assert (tmp_path / "old").read_bytes() == b"kept"


def test_a_link_to_a_secret_of_others_and_nothing_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mounted").touch()
    os.chmod(tmp_path / "mounted", 0o644)
    (tmp_path / "link").symlink_to(tmp_path / "mounted")
    keep_private(tmp_path / "link")
    keep_private(tmp_path / "nowhere")
    assert mode(tmp_path / "mounted") == 0o644
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_only_its_owner_may_read_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "strict").touch()
    os.chmod(tmp_path / "strict", 0o400)
    keep_private(tmp_path / "strict")
    assert mode(tmp_path / "strict") == 0o400
