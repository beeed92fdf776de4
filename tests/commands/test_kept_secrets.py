"""What `check` says of secrets that are hardly the secret itself."""

from pathlib import Path

import pytest

from tests.support.reviewed import MAILBOX, found, lines_of

ODD = {
    b"IMAP_PW=hunter2\n": "looks like a name with the secret: remove the name",
    b"export IMAP_PW='hunter2'\n": "looks like a name with the secret",
    b"password: hunter2\n": "looks like a name with the secret",
    b'"hunter2"\n': "is in quotes, which are part of the secret",
    b"'hunter2'": "is in quotes, which are part of the secret",
    b"{file: /run/hunter2}\n": "looks like a reference to the secret",
    b"file:/run/hunter2\n": "looks like a reference to the secret",
    b"${HUNTER2}\n": "looks like a variable, and variables are not expanded",
    b"{{ hunter2 }}\n": "looks like a variable, and variables are not expanded",
    b"<hunter2>\n": "looks like a placeholder for the secret",
    b"CHANGEME\n": "looks like a placeholder for the secret",
    "hunter\u200b2\n".encode(): "contains U+200B (zero width space)",
}


@pytest.mark.parametrize(("content", "said"), ODD.items(), ids=map(repr, ODD))
def test_a_file_that_hardly_holds_the_secret_itself_is_a_warning(
    content: bytes, said: str, tmp_path: Path
) -> None:
    (line,) = lines_of(tmp_path / "kept", content)
    assert f"warning: mailboxes.m.imap.password: the text in {tmp_path}/kept {said}" in line


@pytest.mark.parametrize(
    "good", [b"ABCDEF==", b"a=b", b"x", b'"', b"pass", b"password", b"file cabinet", b"50%-off_{x}"]
)
def test_a_file_that_may_hold_a_secret_is_good(good: bytes, tmp_path: Path) -> None:
    assert lines_of(tmp_path / "kept", good) == []


def test_a_secret_that_is_no_secret_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = MAILBOX % "imap: {host: h, username: u, password: %s}"
    where = "f:2:46: %smailboxes.m.imap.password: "
    blank = "begins or ends with a blank, which is part of the secret"
    assert found(text % '"hunter2 "') == [where % "warning: " + blank]
    (line,) = found(text % '"<secret>"')
    assert line.startswith(
        where % "" + "is the text that mailtrip's pages show instead of a secret"
    )
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "imap").write_text("hunter2")
    monkeypatch.chdir(tmp_path)
    (line,) = found(text % "secrets/imap")
    assert line.startswith(
        where % "warning: " + "is used as the secret, but a file with that name exists"
    )
    assert found(text % "secrets/pop3") == []


def test_a_key_for_tokens_that_is_none_is_told_of(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("hunter2\n")
    text = f"state: {{token_key: {{file: {key}}}}}\n"
    (line,) = found(text)
    assert line.startswith(
        f"f:1:20: state.token_key: what is in {key} must have 64 or more hexadecimal digits"
    )
    key.write_text("0a" * 32 + "\n")
    assert found(text) == []
