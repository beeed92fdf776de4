"""The way of messages that two URLs and an address describe, instead of a configuration."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from exporter.commands.passwords import PASSWORDS, provide
from exporter.commands.review import review
from exporter.config.address import check_email
from exporter.config.choice import Choice
from exporter.config.grammar import email_of
from exporter.config.load import Reading
from exporter.config.mistakes import Mistake, Mistakes
from exporter.config.server_url import ServerUrl, schemes_of, written
from exporter.mailboxes import MailboxOptions
from exporter.senders import SendOptions
from exporter.settings import Settings

SEND, MAILBOX, SENDER, RECIPIENT = "--send", "--mailbox", "--from", "TARGET"
"""What describes it, as errors call it."""

CHOICES: dict[str, type[Choice]] = {SEND: SendOptions, MAILBOX: MailboxOptions}
Secrets = Mapping[str, Mapping[str, str]]
"""Where the password for a URL is, as in a configuration."""

FROM_ENVIRONMENT: Secrets = {part: {"env": name} for part, name in PASSWORDS.items()}


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages are sent, and where they arrive."""

    send: str
    mailbox: str
    recipient: str
    sender: str
    """Empty: see `default_sender`."""

    def url(self, part: str) -> ServerUrl:
        """The URL of SEND or MAILBOX. Raises ValueError."""
        return ServerUrl.parse({SEND: self.send, MAILBOX: self.mailbox}[part], ())

    def options(self, part: str, secrets: Secrets = FROM_ENVIRONMENT) -> dict[str, Any]:
        """What SEND or MAILBOX stands for, as in a configuration. Raises ValueError."""
        text = {SEND: self.send, MAILBOX: self.mailbox}[part]
        scheme = ServerUrl.parse(text, schemes_of(CHOICES[part])).scheme
        places = [flag for flag, choice in CHOICES.items() if scheme in schemes_of(choice)]
        if places and part not in places:
            raise ValueError(f"{scheme} is for {places[0]}")
        return written(CHOICES[part], text, secrets[part])

    def needs_password(self, part: str) -> bool:
        (kind,) = self.options(part).values()
        return FROM_ENVIRONMENT[part] in kind.values()

    @property
    def default_sender(self) -> str:
        """The user of a URL if that is an address, else the recipient."""
        users = (self.url(part).user for part in (SEND, MAILBOX))
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
        self._expect_sender(reading.options)
        return reading

    def explained(self, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
        """Mistakes in the configuration that it stands for, as those of what was given."""
        (send,), (mailbox,) = self.options(SEND), self.options(MAILBOX)
        places = {
            f"modules.{send}.roundtrip.send.{send}": SEND,
            f"mailboxes.{mailbox}.{mailbox}": MAILBOX,
            "probes[0].target": RECIPIENT,
        }
        for one in mistakes:
            start = next((place for place in places if one.path.startswith(place)), "")
            path = one.path[len(start) :].removeprefix(".")
            yield replace(one, file=places.get(start, RECIPIENT), place=None, path=path)

    def _mistakes_in_what_is_given(self) -> Iterator[Mistake]:
        checks = {part: partial(self.options, part) for part in CHOICES}
        checks[RECIPIENT] = partial(check_email, self.recipient)
        if self.sender:
            checks[SENDER] = partial(check_email, self.sender)
        for part, check in checks.items():
            try:
                check()
            except ValueError as error:
                yield Mistake(part, None, "", str(error))

    def _data(self, state_dir: str) -> dict[str, Any]:
        send, mailbox = self.options(SEND), self.options(MAILBOX)
        (kind,), (home,) = send, mailbox
        sender = self.sender or self.default_sender
        trip = {"from": sender, "send": send, "mailbox": home}
        return {
            "state": {"dir": state_dir},
            "mailboxes": {home: mailbox},
            "modules": {kind: {"roundtrip": trip}},
            "probes": [{"name": kind, "module": kind, "target": self.recipient}],
        }

    def _expect_sender(self, settings: Settings) -> None:
        """Raises Mistakes if the sender has to be given: servers that do not know us check it."""
        (module,) = settings.modules.values()
        introduction = module.roundtrip.send.how.introduction if module.roundtrip else None
        if introduction and not introduction.only_if_public and not self.sender:
            text = "is missing: write an address whose domain may send mail from this machine"
            raise Mistakes([Mistake(SENDER, None, "", text)])


def provide_passwords(route: Route) -> None:
    """Asks for the passwords that are not in the environment. Raises NoPassword."""
    last: tuple[str, str] | None = None  # a user, and the password
    for part in CHOICES:
        if route.needs_password(part):
            url = route.url(part)
            same = last[1] if last and last[0] == url.user else None
            last = url.user, provide(part, url.shown, same)
