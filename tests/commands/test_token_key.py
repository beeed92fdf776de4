"""The key that signs tokens."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.commands.token_key import key_of, load_key, shared_key
from exporter.config.mistakes import Mistakes
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.schema import StateUnusable

KEY = b"k" * 32
NOT_A_KEY = (
    "must have 64 or more hexadecimal digits, two for each byte; `openssl rand -hex 32` makes one"
)


def settings(key: str) -> Settings:
    return Settings.parse(f"state: {{dir: nowhere, token_key: {key}}}\n".encode(), "mailtrip.yml")


def test_the_key_of_a_pair_is_given_and_the_single_trip_uses_it_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY.hex() + "\n")
    for state in (settings(f"{{file: {tmp_path}/key}}").state, settings(f'"{KEY.hex()}"').state):
        assert key_of(state, tmp_path) == shared_key(state) == KEY
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_without_one_each_state_directory_has_a_key_of_its_own(tmp_path: Path) -> None:
    state = Settings.parse(f"state: {{dir: {tmp_path}}}\n".encode(), "mailtrip.yml").state
    passing = shared_key(state)
    assert not list(tmp_path.iterdir())
    key = key_of(state, tmp_path)
    assert key == key_of(state, tmp_path) == shared_key(state) != passing


@pytest.mark.parametrize(
    "key", ["'abcdef31337'", f"'{'31337'.ljust(63, '0')}'", f"'{'hunter2'.ljust(64, '0')}'"]
)
def test_a_key_that_is_none_is_a_mistake_in_the_file_and_is_not_shown(key: str) -> None:
    with pytest.raises(Mistakes) as caught:
        settings(key)
    assert str(caught.value) == f"mailtrip.yml:1:34: state.token_key: {NOT_A_KEY}"


def test_a_key_in_the_configuration_is_never_shown() -> None:
    key = new_key().hex()
    assert key not in settings(f'"{key}"').shown()
    assert "token_key: <secret>" in settings(f'"{key}"').shown()


def test_a_key_elsewhere_that_is_none_is_told_at_the_start_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("hunter2\n")
    monkeypatch.setenv("SHORT", "31337")
    monkeypatch.delenv("MISSING", raising=False)
    for key, problem in (
        (f"{{file: {tmp_path}/key}}", f"cannot use the key in {tmp_path}/key: {NOT_A_KEY}"),
        ("{env: SHORT}", f"cannot use the key in the environment variable SHORT: {NOT_A_KEY}"),
        ("{env: MISSING}", "the environment variable MISSING is not set"),
        (
            f"{{file: {tmp_path}/none}}",
            f"cannot read the secret in {tmp_path}/none: No such file or directory",
        ),
    ):
        state = settings(key).state
        for use in (lambda state: key_of(state, tmp_path), shared_key):
            with pytest.raises(StateUnusable) as caught:
                use(state)
            assert str(caught.value) == f"state.token_key: {problem}"


def test_a_key_is_made_once_for_us_alone_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "key"
    key = load_key(file)
    assert len(key) == 32
    assert load_key(file) == key
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_a_key_is_for_us_alone_whatever_the_umask_and_whoever_made_it(
    tmp_path: Path, umask: int
) -> None:
    file = tmp_path / "key"
    before = os.umask(umask)
    try:
        key = load_key(file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    file.chmod(0o644)
    assert load_key(file) == key
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("abcd\n")
    with pytest.raises(ValueError, match="must have 64 or more hexadecimal digits"):
        load_key(file)


def test_a_key_is_never_half_written_whenever_we_are_killed(tmp_path: Path) -> None:
    (tmp_path / "token.new").write_text("abc")  # as far as an earlier process came
    file = tmp_path / "token.key"
    key = load_key(file)
    assert [load_key(one) for one in tmp_path.iterdir()] == [key]


@pytest.mark.slow
def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2\n")
    file = tmp_path / "mailtrip.yml"
    file.write_text(f"state: {{dir: {tmp_path}/state, token_key: {{file: {tmp_path}/key}}}}\n")
    command = [sys.executable, "-m", "exporter", "serve", "--config.file", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (
        2,
        f"mailtrip: state.token_key: cannot use the key in {tmp_path}/key: {NOT_A_KEY}\n",
    )
