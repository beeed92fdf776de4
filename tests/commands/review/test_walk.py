"""Every option is met once."""

from tests.support.reviewed import found


def test_an_alias_repeats_nothing() -> None:
    text = (
        "mailboxes:\n  m: {imap: &a {host: h, username: u, password: {env: NO_SUCH}}}\n  n: {imap:"
        " *a}\n"
    )
    assert found(text) == [
        "f:2:49: mailboxes.m.imap.password: the environment variable NO_SUCH is not set"
    ]
