"""The options of each kind of check."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from exporter.config.address import PLACEHOLDER, EmailAddress, EmailTemplate, check_email, check_host
from exporter.config.types import Duration, Name, Options
from exporter.model import one_line
from exporter.senders import SendOptions

MAILBOX_OPTIONS = ("mailbox", "bounces")
"""The options of a check whose values are names from `mailboxes`."""


class RoundtripOptions(Options):
    """Sends a signed message, awaits it in a mailbox, and deletes it there."""

    sender: EmailAddress = Field(alias="from")
    """The sender: in the envelope and in the header `From`. Choose an address whose bounces somebody reads."""

    to: EmailTemplate = PLACEHOLDER
    """The recipient. By default the target, which must then be an e-mail address. Mail to it must arrive in `mailbox`,
    directly or by forwarding."""

    send: SendOptions
    """How the message leaves."""

    mailbox: Name
    """Where it is awaited: a name from `mailboxes`."""

    bounces: Name | None = None
    """Where delivery status notifications to `from` arrive: a name from `mailboxes`. A message that bounces then fails
    its trip at once, with the reason that the other server gave. Those that arrive in `mailbox` are read anyway."""

    junk: Literal["fail", "ok"] = "fail"
    """Whether a message that was filed as spam is a failure. It is counted in either case."""

    late_after: Duration = 86400.0
    """How long a message that is overdue may still come and count as late. After that it is lost."""

    def check_target(self, target: str) -> None:
        """Raises ValueError with a line for administrators if a trip to this target cannot be made."""
        if PLACEHOLDER in self.to:
            _check("to", check_email, self.to.replace(PLACEHOLDER, target))
        if self.send.smtp and PLACEHOLDER in self.send.smtp.host:
            _check("send.smtp.host", check_host, self.send.smtp.host.replace(PLACEHOLDER, target))

    @field_validator("send")
    @classmethod
    def _target_is_one_thing(cls, send: SendOptions, info: ValidationInfo) -> SendOptions:
        if info.data.get("to") == PLACEHOLDER and send.smtp and PLACEHOLDER in send.smtp.host:
            raise ValueError("the target is the server here, so `to` needs an address, such as postmaster@{target}")
        return send


def _check(option: str, check: Callable[[str], str], filled: str) -> None:
    try:
        check(filled)
    except ValueError as error:
        raise ValueError(f"{option} would be {one_line(filled, 80)!r}: {error}") from None
