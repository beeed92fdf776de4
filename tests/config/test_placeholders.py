"""What is written where a secret should be, though it is none. The text itself is not repeated."""

import pytest

from exporter.config.placeholders import (
    env_mistake,
    is_template,
    path_mistake,
    secret_mistake,
    secret_type_mistake,
    stored_secret_problem,
)

VARIABLE, IN_QUOTES = "looks like a variable", "because it is in quotes"
REFERENCE, DECRYPTED = "looks like a reference", "another program decrypts"
PLACEHOLDER = "looks like a placeholder"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("$IMAP_PASSWORD", VARIABLE),
        ("${IMAP_PASSWORD:-x}", VARIABLE),
        ("a${b}c", VARIABLE),
        ("%PASSWORD%", VARIABLE),
        ("{{ vault_password }}", VARIABLE),
        ("<%= password %>", VARIABLE),
        ("$(cat /run/secret)", VARIABLE),
        ("__PASSWORD__", VARIABLE),
        ("{file: /run/secret}", IN_QUOTES),
        ("{ 'env': X }", IN_QUOTES),
        ("env:IMAP_PASSWORD", REFERENCE),
        ("vault:secret/imap", REFERENCE),
        ("arn:aws:secretsmanager:x", REFERENCE),
        ("/run/secrets/imap", REFERENCE),
        ("~/secret", REFERENCE),
        ("!vault |\n  $ANSIBLE", DECRYPTED),
        ("ENC[AES256,data]", DECRYPTED),
        ("<your password>", PLACEHOLDER),
        ("changeme", PLACEHOLDER),
        ("CHANGE_ME", PLACEHOLDER),
        ("xxxx", PLACEHOLDER),
        ("***", PLACEHOLDER),
        ("enter-your-password-here", PLACEHOLDER),
        ("“secret”", "typographic quotes"),
        ("pass\u200bword", "U+200B"),
        ("  ", "is empty"),
        ("", "is empty"),
    ],
)
def test_what_is_probably_no_secret_is_an_error(text: str, problem: str) -> None:
    found = secret_mistake(text)
    assert problem in found
    assert len(text.strip()) < 4 or text.strip() not in found


@pytest.mark.parametrize(
    "text",
    [
        *("correct horse battery staple", "pa$$word1", "$2y$10$abc/def", "100%sure", "a{b}c"),
        *("x", "xxx", "file", "/etc", "<secret>", "todo list", "changeme2"),
        *("p:a:s:s", "http-is-fun", "ENC", "~tilde~", "ENV", "%41%42"),
    ],
)
def test_a_password_may_look_odd(text: str) -> None:
    assert secret_mistake(text) == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("PASSWORD=secret", "remove the name"),
        ("export IMAP_PASSWORD=secret", "remove the name"),
        ("password: secret", "remove the name"),
        ('"secret"', "in quotes"),
        ("'secret'", "in quotes"),
        ("«secret»", "in quotes"),
        ("{env: X}", REFERENCE),
        ("$PASSWORD", VARIABLE),
        ("sec\u00a0ret", "U+00A0"),
        ("secret", ""),
        ("a=b", ""),
        ("PASSWORD==", ""),
        ("''", ""),
        ("\"a'", ""),
    ],
)
def test_a_secret_that_is_stored_has_problems_of_its_own(text: str, problem: str) -> None:
    found = stored_secret_problem(text)
    assert problem in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("path", "mistake"),
    [
        ("~/secret", "not expanded"),
        ("file:///run/secret", "without the scheme"),
        ("${DIR}/secret", "variables are not expanded"),
        ("/run/$DIR/secret", "variables are not expanded"),
        ("%APPDATA%/secret", "variables are not expanded"),
        ("/run/secret ", "ends with a space"),
        ("\u200b/run/secret", "begins with U+200B"),
        ("/run/secret", ""),
        ("/run/a$b", ""),
        ("secret", ""),
    ],
)
def test_the_name_of_a_file_is_taken_literally(path: str, mistake: str) -> None:
    found = path_mistake(path)
    assert mistake in found
    assert bool(found) == bool(mistake)


@pytest.mark.parametrize("name", ["IMAP_PASSWORD", "_x", "a1"])
def test_a_variable_is_written_without_signs(name: str) -> None:
    assert env_mistake(name) == ""
    for odd in (f"${name}", f"{{{name}}}", f"%{name}%", f"1{name}", f"{name} ", ""):
        assert "not the name" in env_mistake(odd)


def test_another_type_than_text_is_no_secret() -> None:
    assert "write file in lower case: {file: …}" in secret_type_mistake({"File": "/x"})
    assert "write env in lower case" in secret_type_mistake({"ENV": "X"})
    others: list[object] = [7, None, [], {}, {"file": 1}, {"Path": "/x"}, {"File": 1, "Env": 2}]
    for value in others:
        assert secret_type_mistake(value).endswith("the text itself in quotes")


def test_a_template_may_be_a_part_of_a_text_only_in_braces() -> None:
    assert is_template("user-${NAME}")
    assert not is_template("user-$NAME")
