"""The options of a check that awaits messages of others."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from exporter.checks.kind import CheckKind
from exporter.config.address import PLACEHOLDER
from exporter.config.grammar import is_line
from exporter.config.types import Duration, Name, duration_text
from exporter.core.heartbeat import HeartbeatKey
from exporter.core.one_line import one_line
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.scope import HeartbeatScope
from exporter.mailboxes import MailboxOptions

LONGEST_PATTERN = 200  # characters
LEAST_EVERY = 60.0  # seconds
_ANY = set("*?{")  # what an address may be written with instead


def _pattern(text: str) -> str:
    if not is_line(text, LONGEST_PATTERN):
        raise ValueError(
            f"must be one line of at most {LONGEST_PATTERN} characters, without spaces at its ends"
        )
    return text


def _sender(text: str) -> str:
    _pattern(text)
    if "@" not in text and not _ANY & set(text):
        raise ValueError(f"matches no address: write the whole address, or {text}@* for any domain")
    if not text.strip("*?"):
        raise ValueError(
            "matches every sender: write an address, or a pattern such as *@example.org"
        )
    return text


def _every(seconds: float) -> float:
    if seconds < LEAST_EVERY:
        raise ValueError(f"must be at least {duration_text(LEAST_EVERY)}")
    return seconds


class HeartbeatOptions(CheckKind):
    """Awaits messages of others that must come again and again, such as the report of a backup. It
    sends nothing. The probe succeeds while the last one is younger than `every`. Only headers are
    looked at, and messages are neither marked as read nor deleted, unless `delete` says so."""

    defaults: ClassVar[Mapping[str, str]] = {"timeout": "1m"}  # a look is short

    mailbox: Name
    """The mailbox in which they come: a name from `mailboxes`, in any of its `folders`. A receiver
    (`smtpd`) accepts them, beside the probe messages."""

    sender: Annotated[str, AfterValidator(_sender)] = Field(alias="from")
    """Their sender, such as `backup@*`: the address in `From`, or that of the envelope, where it is
    known. `*` stands for any text, `?` for one character; upper and lower case are the same. It may
    contain `{target}`. Anybody can write any address here: see
    [scenarios.md](scenarios.md#heartbeats)."""

    subject: Annotated[str, AfterValidator(_pattern)] = "*"
    """Their subject, such as `*finished*`, in the same way: decoded, its spaces as one. Square
    brackets stand for themselves. Default: any."""

    every: Annotated[Duration, AfterValidator(_every)]
    """One must come in this time, or the probe fails (`missing`). Allow for how long the work
    takes, and its mail: `26h` for something that comes daily."""

    delete: bool = False
    """Whether to delete them when they have been seen."""

    @property
    def mailboxes(self) -> tuple[str, ...]:
        return (self.mailbox,)

    @property
    def own_target(self) -> str:
        """The target of a probe that needs none: the mailbox. Empty if the pattern contains
        `{target}`."""
        return "" if PLACEHOLDER in f"{self.sender}{self.subject}" else self.mailbox

    def key(self, target: str) -> HeartbeatKey:
        """The heartbeat of a target."""
        sender, subject = (
            text.replace(PLACEHOLDER, target) for text in (self.sender, self.subject)
        )
        return HeartbeatKey(self.mailbox, sender, subject)

    def scope(self, mailboxes: Mapping[str, MailboxOptions]) -> HeartbeatScope:
        """Why a look may fail. `mailboxes` are all of them, by name."""
        reasons = (mailboxes[self.mailbox].how.reasons - {Reason.JUNK}) | {Reason.MISSING}
        failures = tuple(
            (phase, reason)
            for phase in (Phase.OPEN, Phase.DELIVER)
            for reason in Reason
            if reason in reasons and phase in reason.phases
        )
        return HeartbeatScope(self.mailbox, failures)

    def canonical(self, target: str) -> str:
        """The target, unchanged: a part of the pattern. Raises ValueError with a line for
        administrators if it is none."""
        if own := self.own_target:
            if target not in ("", own):
                raise ValueError(
                    f"the heartbeat does not depend on the target: omit it, or use {PLACEHOLDER} in"
                    " from or subject"
                )
            return own
        if not target:
            raise ValueError(f"is missing: from or subject contains {PLACEHOLDER}")
        _pattern(target)
        if set("*?") & set(target):
            raise ValueError(f"{one_line(target, 80)!r} contains a wildcard")
        return target
