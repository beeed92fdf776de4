"""The interview of `mailtrip init`: what is asked, and what is made of the answers."""

from collections.abc import Iterable

import pytest

from exporter.commands.exit_status import CannotStart
from exporter.commands.passwords import PASSWORDS
from exporter.commands.route import MAILBOX, SEND, Route
from exporter.commands.setup.discovery import Discovery
from exporter.commands.setup.interview import Interview
from exporter.commands.setup.providers import Provider, provider_of
from tests.support.scripted_questions import ScriptedQuestions


class KnownDomains(Discovery):
    """Answers from a table, without a DNS query."""

    def __init__(self, provider: str = "", host: str = "") -> None:
        self._provider, self._host = provider, host

    async def provider(self, domain: str) -> Provider | None:
        return provider_of(self._provider)

    async def host(self, names: Iterable[str]) -> str:
        return self._host if self._host in names else ""


@pytest.fixture(autouse=True)
def _passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PASSWORDS.values():
        monkeypatch.setenv(name, "hunter2")


def interview(*answers: str, known: Discovery | None = None, given: Route | None = None) -> Route:
    route = given or Route("", "", "", "")
    asking = Interview(route, False, ScriptedQuestions(*answers), known or KnownDomains())
    return asking.run()


def test_hosts_become_urls_with_a_user() -> None:
    found = interview(
        *("me@example.org", "imap.example.org", "", "smtp.example.org", "probe", ""),
    )
    assert found.recipient == "me@example.org"
    assert found.url(MAILBOX).scheme == "imaps"
    assert (found.url(MAILBOX).host, found.url(MAILBOX).user) == (
        "imap.example.org",
        "me@example.org",
    )
    assert (found.url(SEND).scheme, found.url(SEND).user) == ("smtp", "probe")
    assert found.sender == "", "it is the usual one"


def test_a_relay_may_need_no_user() -> None:
    found = interview(
        *("me@example.org", "maildir:///var/mail", "smtp.example.org", "-", "probe@example.org")
    )
    assert found.url(SEND).user == ""
    assert found.sender == "probe@example.org"


def test_what_is_given_is_not_asked_for() -> None:
    given = Route(
        send="smtp://probe@smtp.example.org",
        mailbox="imaps://me%40example.org@imap.example.org",
        recipient="me@example.org",
        sender="probe@example.org",
    )
    assert interview(given=given) == given


def test_a_server_of_the_domain_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    known = KnownDomains(host="mail.example.org")
    found = interview("me@example.org", *[""] * 5, known=known)
    assert (found.url(MAILBOX).host, found.url(SEND).host) == ("mail.example.org",) * 2


def test_what_a_provider_requires_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    found = interview("me@example.org", *[""] * 5, known=KnownDomains("gmail.com"))
    assert found.url(MAILBOX).host == "imap.gmail.com"
    assert capsys.readouterr().out.count("Gmail needs") == 1


def test_a_wrong_answer_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    found = interview(
        *("nobody", "me@example.org", "a b", "imap.example.org", "", "smtp.example.org", "", ""),
    )
    assert found.url(MAILBOX).host == "imap.example.org"


def test_who_stops_gets_nothing() -> None:
    with pytest.raises(CannotStart, match="nothing is written"):
        interview("me@example.org")
