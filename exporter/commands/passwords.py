"""The passwords of servers that a command line names: from the environment or the terminal."""

import os
import warnings
from getpass import GetPassWarning, getpass

from exporter.commands.flags import MAILBOX_PASSWORD, SEND_PASSWORD

PASSWORDS = {"--send": SEND_PASSWORD, "--mailbox": MAILBOX_PASSWORD}
"""The environment variables, by the flags of the servers."""


class NoPassword(Exception):
    """A password is missing: one line with the cure."""


def provide(part: str, server: str, same: str | None = None, margin: str = "") -> str:
    """Returns the password for a server, and keeps it in the environment, where its options look
    for it: programs that mailtrip calls get an environment of their own. `server` is its URL, for
    people. With `same`, an empty line stands for that one. `margin` is left of the question.

    Raises NoPassword.
    """
    name = PASSWORDS[part]
    if (given := os.environ.get(name)) is None:
        hint = " (Enter: the same)" if same else ""
        given = typed(f"{margin}Password for {server}{hint}: ", name) or same or ""
        if not given:
            raise NoPassword("no password was typed")
        os.environ[name] = given
    return given


def typed(prompt: str, name: str) -> str:
    """Asks in the terminal, without echo. `name` is the environment variable that may have it
    instead. Raises NoPassword if there is no terminal, or it cannot be silent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)
            password = getpass(prompt)
        password.encode()
    except EOFError:
        raise NoPassword("no password was typed") from None
    except (GetPassWarning, OSError):
        raise NoPassword(f"there is no terminal to type the password: set {name}") from None
    except UnicodeError:
        raise NoPassword(f"the password that was typed is not UTF-8: set {name}") from None
    if "\0" in password:
        raise NoPassword("the password that was typed contains a null byte")
    return password
