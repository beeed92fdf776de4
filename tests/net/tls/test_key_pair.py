"""A certificate and its key in files."""

import ssl
from pathlib import Path

import pytest

from exporter.core.model import ProbeError
from exporter.net.tls.key_pair import load_pair


def test_a_file_that_has_just_gone_is_named(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    with pytest.raises(ProbeError) as caught:
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), gone, gone, lambda: "", lambda _: "")
    assert str(caught.value) == f"tls: cannot read {gone} or {gone}: No such file or directory"
    assert caught.value.__cause__ is None


def test_what_openssl_says_is_put_into_words(tmp_path: Path) -> None:
    file = tmp_path / "no.pem"
    file.write_text("no certificate")
    said: list[str] = []

    def problem(reason: str) -> str:
        said.append(reason)
        return "in words"

    with pytest.raises(ProbeError, match="^tls: in words$"):
        load_pair(
            *(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), str(file), str(file)),
            *(lambda: "", problem),
        )
    assert len(said) == 1
