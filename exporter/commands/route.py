"""The way of messages that two URLs and an address describe, instead of a configuration."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from exporter.checks.module import Module
from exporter.commands.passwords import PASSWORDS, provide
from exporter.commands.review import review
from exporter.config.address import check_email, nameserver
from exporter.config.choice import Choice
from exporter.config.grammar import email_of
from exporter.config.load import Reading
from exporter.config.mistakes import Mistake, Mistakes
from exporter.config.server_url import ServerUrl, schemes_of, written
from exporter.core.model import Fact, TlsSession
from exporter.mailboxes import MailboxOptions
from exporter.senders import SendOptions
from exporter.settings import Settings

SEND, MAILBOX, SENDER, RECIPIENT = "--send", "--mailbox", "--from", "TARGET"
TIMEOUT, NAMESERVER = "--timeout", "--nameserver"
"""What describes a route, as errors call it."""

CHOICES: dict[str, type[Choice]] = {SEND: SendOptions, MAILBOX: MailboxOptions}
Secrets = Mapping[str, Mapping[str, str]]
"""Where the password for a URL is, as in a configuration."""

_PLACES = {SEND: "modules.{kind}.roundtrip.send.{kind}", MAILBOX: "mailboxes.{kind}.{kind}"}
"""Of their options, in the configuration."""

NO_STATE = os.devnull
"""The state directory of trips without a configuration: nothing is ever found in it."""

SESSION_TIMEOUT: float = Module.model_fields["session_timeout"].default
"""Seconds: that of any module, unless the trip has less."""

OWN_CA = "In a URL, `ca_file` is written as ?ca_file=/PATH at the end"

FROM_ENVIRONMENT: Secrets = {part: {"env": name} for part, name in PASSWORDS.items()}


def refused_certificate(facts: Iterable[Fact]) -> bool:
    """Whether the certificate of a server was refused: then `OWN_CA` may help."""
    return any(isinstance(one, TlsSession) and not one.version for one in facts)


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages are sent, and where they arrive. A part that is not known yet is empty."""

    send: str
    mailbox: str
    recipient: str
    sender: str
    """Empty: see `default_sender`."""
    nameservers: tuple[str, ...] = ()
    """HOST or HOST:PORT. Empty: those of the system."""
    timeout: float | None = None
    """Seconds for the trip. None: that of any module."""

    @property
    def urls(self) -> dict[str, str]:
        """Those that are known."""
        urls = {SEND: self.send, MAILBOX: self.mailbox}
        return {part: url for part, url in urls.items() if url}

    def url(self, part: str) -> ServerUrl:
        """Raises ValueError with the cure."""
        return ServerUrl.parse(self.urls[part], schemes_of(CHOICES[part]))

    def options(self, part: str, secrets: Secrets = FROM_ENVIRONMENT) -> dict[str, Any]:
        """What a URL stands for, as in a configuration. Raises ValueError with the cure."""
        scheme = self.url(part).scheme
        places = [flag for flag, choice in CHOICES.items() if scheme in schemes_of(choice)]
        if places and part not in places:
            raise ValueError(f"{scheme} is for {places[0]}")
        return written(CHOICES[part], self.urls[part], secrets[part])

    def kind(self, part: str) -> str:
        """What kind of sender or mailbox it is."""
        (kind,) = self.options(part)
        return kind

    def needs_password(self, part: str) -> bool:
        (options,) = self.options(part).values()
        return FROM_ENVIRONMENT[part] in options.values()

    @property
    def default_sender(self) -> str:
        """The user of a URL if that is an address, else the recipient."""
        users = (self.url(part).user for part in self.urls)
        return next((user for user in users if email_of(user)), self.recipient)

    def reading(self, state_dir: str) -> Reading[Settings]:
        """The configuration that it stands for. Raises Mistakes, with a line for each error."""
        if mistakes := [*self._mistakes_in_what_is_given()]:
            raise Mistakes(mistakes)
        text = json.dumps(self._data(state_dir), ensure_ascii=False)
        try:
            reading = Settings.reading_text(text.encode(), "")
        except Mistakes as error:
            raise Mistakes(self.explained(error.mistakes)) from None
        found = [one for one in review(reading, here=False, usage=False) if not one.warning]
        if found:
            raise Mistakes(self.explained(found))
        return reading

    def explained(self, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
        """Mistakes in the configuration that it stands for, as those of what was given."""
        starts = {"probes[0].target": RECIPIENT}
        for part in self.urls:
            starts[_PLACES[part].format(kind=self.kind(part))] = part
        if self.send:
            starts[f"modules.{self.kind(SEND)}.timeout"] = TIMEOUT
        for one in mistakes:
            start = next((start for start in starts if one.path.startswith(start)), "")
            path = one.path[len(start) :].removeprefix(".")
            yield replace(one, file=starts.get(start, RECIPIENT), place=None, path=path)

    def needs_sender(self) -> bool:
        """Whether the sender has to be given, since servers that do not know us check it."""
        (module,) = self.reading(NO_STATE).options.modules.values()
        introduction = module.roundtrip.send.how.introduction if module.roundtrip else None
        return bool(introduction and not introduction.only_if_public)

    def expect_sender(self) -> None:
        """Raises Mistakes if the sender is missing."""
        if not self.sender and self.needs_sender():
            text = "is missing: write an address whose domain may send mail from this machine"
            raise Mistakes([Mistake(SENDER, None, "", text)])

    def _mistakes_in_what_is_given(self) -> Iterator[Mistake]:
        checks: dict[str, Callable[[], object]] = {
            part: partial(self.options, part) for part in self.urls
        }
        checks |= {
            name: partial(check_email, address)
            for name, address in ((RECIPIENT, self.recipient), (SENDER, self.sender))
            if address
        }
        checks[NAMESERVER] = partial(_check_nameservers, self.nameservers)
        for name, check in checks.items():
            try:
                check()
            except ValueError as error:
                yield Mistake(name, None, "", str(error))

    def _data(self, state_dir: str) -> dict[str, Any]:
        data: dict[str, Any] = {"state": {"dir": state_dir}}
        if self.nameservers:
            data["resolver"] = {"nameservers": [*self.nameservers]}
        if not self.mailbox:
            return data
        home = self.kind(MAILBOX)
        data["mailboxes"] = {home: self.options(MAILBOX)}
        if not self.send:
            return data
        kind, sender = self.kind(SEND), self.sender or self.default_sender
        trip = {"from": sender, "send": self.options(SEND), "mailbox": home}
        module: dict[str, Any] = {"roundtrip": trip}
        if self.timeout is not None:
            module["timeout"] = _written(self.timeout)
            module["session_timeout"] = _written(min(self.timeout, SESSION_TIMEOUT))
        data["modules"] = {kind: module}
        data["probes"] = [{"name": kind, "module": kind, "target": self.recipient}]
        return data


def _check_nameservers(texts: Iterable[str]) -> None:
    """Raises ValueError with the cure."""
    for text in texts:
        nameserver(text)


def _written(seconds: float) -> str:
    """A duration, as in a configuration."""
    return f"{round(1000 * seconds)}ms"


def provide_passwords(route: Route) -> None:
    """Asks for the passwords that are not in the environment. Raises NoPassword."""
    last: tuple[str, str] | None = None  # a user, and the password
    for part in filter(route.needs_password, route.urls):
        url = route.url(part)
        same = last[1] if last and last[0] == url.user else None
        last = url.user, provide(part, url.shown, same)
