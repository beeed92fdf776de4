from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from exporter.config.types import (
    Duration,
    Listen,
    Options,
    Secret,
    SecretUnavailable,
    Size,
    duration_text,
    looked_for,
    size_text,
)

durations = TypeAdapter[float](Duration)
sizes = TypeAdapter[int](Size)


class Login(Options):
    password: Secret | None = None
    """What it is."""

    listen: Listen | None = None
    """Where it listens."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("15s", 15),
        ("1.5m", 90),
        ("10m", 600),
        ("1h", 3600),
        ("7d", 604800),
        ("1w", 604800),
        ("1h30m", 5400),
        ("1m30s", 90),
        ("1d12h", 129600),
        ("1s500ms", 1.5),
        ("1w1d1h1m1s1ms", 694861.001),
        ("1y", 31536000),
        ("0h1m", 60),
        ("01m", 60),
        ("90m", 5400),
        ("1.5h", 5400),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert durations.validate_python(text) == seconds


@pytest.mark.parametrize(
    "value",
    [
        5,
        0.5,
        "5",
        "5 s",
        "-5s",
        "5S",
        "",
        "s",
        "٥s",
        None,
        True,
        "9" * 400 + "s",
        "30m1h",
        "1h1h",
        "1h 30m",
        "1h30",
        "1.5h30m",
        "1m1.5s",
        "h30m",
        "1M",
        "1ms1s",
    ],
)
def test_anything_else_is_no_duration(value: object) -> None:
    with pytest.raises(ValidationError, match="not a duration"):
        durations.validate_python(value)


@pytest.mark.parametrize("value", ["0s", "0.1ms", "366d"])
def test_a_duration_is_neither_nothing_nor_for_ever(value: str) -> None:
    with pytest.raises(ValidationError, match="between 1ms and 365d"):
        durations.validate_python(value)


@given(st.integers(1, 365 * 86_400_000))
def test_a_duration_is_written_as_it_can_be_read(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert durations.validate_python(duration_text(seconds)) == pytest.approx(seconds, rel=1e-9)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "250ms"), (90, "90s"), (300, "5m"), (86400, "24h")]
)
def test_a_duration_is_written_in_the_largest_unit_that_fits(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "size"), [(10, 10), ("10", 10), ("10B", 10), ("64KiB", 65536), ("1MiB", 1 << 20)]
)
def test_a_size_is_a_number_of_bytes_with_or_without_a_unit(value: object, size: int) -> None:
    assert sizes.validate_python(value) == size


@pytest.mark.parametrize("value", ["1MB", "1.5MiB", "-1", True, 1.5, None, "", "9" * 5000])
def test_anything_else_is_no_size(value: object) -> None:
    with pytest.raises(ValidationError, match="not a size"):
        sizes.validate_python(value)


@given(st.integers(0, 1 << 40))
def test_a_size_is_written_as_it_can_be_read(size: int) -> None:
    assert sizes.validate_python(size_text(size)) == size


@pytest.mark.parametrize(
    "password", ["hunter2", Secret("hunter2"), {"file": "hunter2"}, {"env": "hunter2"}]
)
def test_a_secret_shows_nothing_in_whatever_way_it_is_printed(password: object) -> None:
    login = Login.model_validate({"password": password})
    for printed in (
        repr(login),
        str(login.password),
        f"{login.password}",
        login.model_dump_json(),
        str(login),
    ):
        assert "<secret>" in printed
        assert "hunter2" not in printed


def test_an_error_of_pydantic_never_shows_an_input() -> None:
    with pytest.raises(ValidationError) as caught:
        Login.model_validate({"password": {"fiel": "hunter2"}, "listen": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_secret_in_a_file_is_read_at_every_use(tmp_path: Path) -> None:
    file = tmp_path / "password"
    secret = Secret(file=str(file))
    for text, password in (
        ("one\n", "one"),
        ("two", "two"),
        ("three\r\n", "three"),
        ("fo\nur \n", "fo\nur "),
    ):
        file.write_text(text, newline="")
        assert secret.reveal() == password


def test_a_secret_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTRIP_TEST_PASSWORD", "s3cret")
    assert Secret(env="MAILTRIP_TEST_PASSWORD").reveal() == "s3cret"


@pytest.mark.parametrize(
    "content", ["", "\n", "\r\n", "  \n", "\t\n\n", "\ufeff", "\ufeff\r\n", "\u00a0\n"]
)
def test_a_file_without_a_secret_in_it_is_no_empty_password(tmp_path: Path, content: str) -> None:
    (tmp_path / "password").write_text(content, encoding="utf-8", newline="")
    with pytest.raises(
        SecretUnavailable,
        match=f"^the file {tmp_path}/password (is empty|contains only blanks): there is no secret"
        " in it$",
    ):
        Secret(file=f"{tmp_path}/password").reveal()


@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_an_empty_variable_is_no_empty_password(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("MAILTRIP_TEST_PASSWORD", value)
    with pytest.raises(
        SecretUnavailable,
        match="^the environment variable MAILTRIP_TEST_PASSWORD (is empty|contains only blanks)",
    ):
        Secret(env="MAILTRIP_TEST_PASSWORD").reveal()


def test_the_byte_order_mark_of_an_editor_is_no_part_of_a_secret(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xef\xbb\xbfs3cret\r\n")
    assert Secret(file=f"{tmp_path}/password").reveal() == "s3cret"


def test_a_file_without_an_end_is_no_secret() -> None:
    with pytest.raises(
        SecretUnavailable, match="^the file /dev/zero is larger than 1MiB, too large for a secret$"
    ):
        Secret(file="/dev/zero").reveal()


def test_a_secret_that_cannot_be_had_says_where_it_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"sch\xf6n")
    (tmp_path / "utf-16").write_text("s3cret", encoding="utf-16-le")
    for secret, message in (
        (
            Secret(file=f"{tmp_path}/none"),
            f"cannot read the secret in {tmp_path}/none: No such file or directory",
        ),
        (
            Secret(file=f"{tmp_path}/latin"),
            f"cannot read the secret in {tmp_path}/latin: not UTF-8",
        ),
        (
            Secret(file=f"{tmp_path}/utf-16"),
            f"the file {tmp_path}/utf-16 contains a null byte, which is not possible in a"
            " secret: save it as UTF-8",
        ),
        (
            Secret(env="MAILTRIP_TEST_UNSET"),
            "the environment variable MAILTRIP_TEST_UNSET is not set",
        ),
    ):
        with pytest.raises(SecretUnavailable) as caught:
            secret.reveal()
        assert str(caught.value) == message


def test_a_relative_path_is_shown_with_the_directory_that_it_is_relative_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    gone = tmp_path / "gone"
    assert looked_for("../a") == f"{tmp_path}/../a"
    assert looked_for("/a/../b") == "/a/../b"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert looked_for("a") == "a"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:25", "127.0.0.1", 25),
        ("[::1]:0", "::1", 0),
        (":10925", "", 10925),
        ("localhost:1", "localhost", 1),
    ],
)
def test_an_address_to_listen_on_has_a_host_and_a_port(text: str, host: str, port: int) -> None:
    listen = Listen(text)
    assert (listen, listen.host, listen.port) == (text, host, port)


@pytest.mark.parametrize(
    "text", ["", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "a:65536", "::1:25", "a:²", "a:-1"]
)
def test_anything_else_is_no_address_to_listen_on(text: str) -> None:
    with pytest.raises(ValueError, match="write HOST:PORT"):
        Listen(text)
