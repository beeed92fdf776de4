"""The interview of `mailtrip init`: asks for what is not given, and tries each server."""

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from exporter.commands.passwords import PASSWORDS, NoPassword, provide
from exporter.commands.preflight.attempts import attempts
from exporter.commands.preflight.report import lines
from exporter.commands.route import (
    CHOICES,
    MAILBOX,
    NO_STATE,
    OWN_CA,
    SEND,
    Route,
    refused_certificate,
)
from exporter.commands.setup.discovery import Discovery
from exporter.commands.setup.providers import Provider, provider_of
from exporter.commands.setup.questions import INDENT, Questions
from exporter.config.address import check_email
from exporter.config.server_url import ServerUrl, completed, other_urls, with_user, without_user
from exporter.core.phases import Phase
from exporter.settings import Settings
from exporter.terminal.mistakes import with_verdict
from exporter.terminal.screen import Screen

_INTRODUCTION = """\
mailtrip sends messages to a mailbox, and finds them there. Six questions are about the way of
these messages; Enter takes the answer in brackets. Each server is tried. Nothing is sent, and
nothing is written before the end. Ctrl-C stops."""

_RECIPIENT = "1. To which address do the messages go? It should be a mailbox for mailtrip alone."
_SENDER = "6. From which address?"
_NO_USER = "-"


@dataclass(frozen=True, slots=True)
class _Part:
    """What is asked about a server."""

    field: str
    phase: Phase
    server: str
    user: str
    start: str
    """Of the URL, if only a host is given."""

    names: tuple[str, ...]
    """Of such a server in a domain, usually."""


_PARTS = {
    MAILBOX: _Part(
        "mailbox",
        Phase.OPEN,
        "2. On which server is this mailbox? A host (IMAP)",
        "3. With which user name?",
        "imaps://",
        ("imap.{}", "mail.{}"),
    ),
    SEND: _Part(
        "send",
        Phase.SEND,
        "4. Through which server are they sent? A host (SMTP)",
        f"5. With which user name? {_NO_USER} for none",
        "smtp://",
        ("smtp.{}", "mail.{}"),
    ),
}


async def works(settings: Settings, phases: Collection[Phase], screen: Screen) -> bool:
    """Whether every server that belongs to these phases lets us in. Prints what they say."""
    good, refused = True, False
    with screen.status("connecting …"):
        async for attempt in attempts(settings, phases):
            good = good and not attempt.failure
            refused = refused or refused_certificate(attempt.facts)
            for line in lines(attempt):
                screen.print(with_verdict(f"{INDENT}{line}"), soft_wrap=not screen.is_terminal)
    if refused:
        screen.print(f"{INDENT}{OWN_CA}")
    return good


@dataclass(slots=True)
class Interview:
    """The answers so far."""

    route: Route
    tries: bool
    questions: Questions = field(default_factory=Questions)
    discovery: Discovery = field(default_factory=Discovery)
    _hints: set[str] = field(default_factory=set)
    _sender_is_given: bool = False

    def run(self) -> Route:
        """Asks for what is missing. Raises CannotStart at the end of the input."""
        self._sender_is_given = bool(self.route.sender)
        if not (self.route.recipient and self.route.mailbox and self.route.send):
            print(_INTRODUCTION)
        if not self.route.recipient:
            address = self.questions.prompt(_RECIPIENT, "", check_email)
            self.route = replace(self.route, recipient=address)
        for part in _PARTS:
            self._complete(part)
        return self.route

    def _complete(self, part: str) -> None:
        """Until the server lets us in, or the answers are kept all the same."""
        if part not in self.route.urls:
            self._ask(part)
        while not self._works(part) and not self.questions.keeps():
            os.environ.pop(PASSWORDS[part], None)
            self._ask(part)

    def _ask(self, part: str) -> None:
        what, before = _PARTS[part], self.route.urls.get(part, "")
        default = without_user(before) if before else self._default(what)
        question = f"{what.server}, or {', '.join(other_urls(CHOICES[part], what.start))}"
        answer = self.questions.prompt(question, default, partial(self._check, part))
        url = completed(CHOICES[part], answer, what.start)
        parsed = ServerUrl.parse(url, ())
        self._hint(provider_of(parsed.host))
        if parsed.host and not parsed.user:
            user = self.route.url(part).user if before else self._usual_user
            check = partial(self._check_user, part, url)
            answer = self.questions.prompt(what.user, user, check)
            url = url if answer == _NO_USER else with_user(url, answer)
        self.route = self._with(part, url)
        if part == SEND and not self._sender_is_given:
            self._ask_sender()

    def _ask_sender(self) -> None:
        """Suggests no sender to servers that do not know us, since they check it."""
        usual = "" if self.route.needs_sender() else self.route.default_sender
        sender = self.questions.prompt(_SENDER, self.route.sender or usual, check_email)
        self.route = replace(self.route, sender="" if sender == usual else sender)

    @property
    def _usual_user(self) -> str:
        user = self.route.url(MAILBOX).user if self.route.mailbox else ""
        return user or self.route.recipient

    def _with(self, part: str, url: str) -> Route:
        parts: dict[str, Any] = {_PARTS[part].field: url}
        return replace(self.route, **parts)

    def _check(self, part: str, answer: str) -> None:
        """Raises ValueError or Mistakes if there is no such server."""
        url = completed(CHOICES[part], answer, _PARTS[part].start)
        parsed = ServerUrl.parse(url, ())
        self._with(part, with_user(url, "x") if parsed.host and not parsed.user else url).reading(
            NO_STATE
        )

    def _check_user(self, part: str, url: str, user: str) -> None:
        """Raises ValueError or Mistakes if the server needs another one."""
        self._with(part, url if user == _NO_USER else with_user(url, user)).reading(NO_STATE)

    def _works(self, part: str) -> bool:
        while self.route.needs_password(part):
            try:
                provide(part, self.route.url(part).shown, self._same(part), INDENT)
                break
            except NoPassword as error:
                self.questions.say(str(error))
        if not self.tries:
            return True
        settings = self.route.reading(NO_STATE).options
        return asyncio.run(works(settings, [_PARTS[part].phase], Screen()))

    def _same(self, part: str) -> str | None:
        """The password of the mailbox, if the user is the same."""
        if part == MAILBOX or not self.route.needs_password(MAILBOX):
            return None
        alike = self.route.url(part).user == self.route.url(MAILBOX).user
        return os.environ.get(PASSWORDS[MAILBOX]) if alike else None

    def _default(self, what: _Part) -> str:
        """A server that may be right: of the provider, or one with a usual name."""
        domain = self.route.recipient.rpartition("@")[2]
        if provider := asyncio.run(self.discovery.provider(domain)):
            self._hint(provider)
            return str(getattr(provider, what.field))
        names = [name.format(domain) for name in what.names]
        return asyncio.run(self.discovery.host(names))

    def _hint(self, provider: Provider | None) -> None:
        """What the provider requires, once."""
        if provider and provider.hint not in self._hints:
            self._hints.add(provider.hint)
            self.questions.say(provider.hint)
