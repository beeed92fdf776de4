"""The options of a mailbox on a POP3 server."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from exporter.config.choice import load
from exporter.config.finding import Finding
from exporter.config.server import ForPassword, Port, Ports, TlsMode
from exporter.config.types import Duration, OneWord
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.poll_interval import review_interval
from exporter.mailboxes.server import MailServerOptions
from exporter.mailboxes.session import Mailbox

if TYPE_CHECKING:
    from exporter.net.dns.resolver import Resolver
    from exporter.net.oauth2 import Accounts


class Pop3Options(MailServerOptions):
    """A mailbox on a POP3 server (RFC 1939), which must support UIDL. POP3 cannot access a junk
    folder."""

    ports: ClassVar[Ports] = Ports("POP3", implicit=995, starttls=110)
    schemes: ClassVar[tuple[str, ...]] = ("pop3", "pop3s")

    port: Port | None = None
    """TCP port. Default: 995 with `tls: implicit`, else 110."""

    tls: TlsMode | None = None
    """`none`, `starttls` (STLS) or `implicit`. Default: `implicit` on port 995 and when no port is
    given; on any other port `starttls`, so that no password is sent in plain text by accident."""

    username: OneWord | None = None
    """The login name. It is required, except with `client_certificate`."""

    auth: Literal["user", "plain", ForPassword, "xoauth2", "oauthbearer", "external"] | None = None
    """The only mechanism that is used: the commands USER and PASS, or AUTH with another one.
    Default: the first that the server offers of user, plain, SCRAM (see `auth` of `smtp`),
    cram-md5; with `oauth2` of oauthbearer, xoauth2; with `client_certificate` and no `password`
    external. `user` is also tried if it is not offered,
    because some servers accept it anyway."""

    poll_interval: Duration = 0.5
    """Minimum time between two logins. POP3 shows new messages only after a new login: about every
    second while a message is fresh, then less and less often. Increase it for a provider that
    limits logins; a limit that the server announces (LOGIN-DELAY) is always respected. A delay is
    reported only if it is known within a second or a tenth of it, so `10s` reports no delay shorter
    than 100 s."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        """POP3 has no session without a login."""
        ways = ("password", "oauth2", "client_certificate")
        if not any(given.get(name) is not None for name in ways):
            yield "one of these is missing: password, oauth2, client_certificate"
        yield from super()._between(given)

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.mailboxes.pop3.mailbox",)

    @property
    def steps(self) -> frozenset[Step]:
        return self.steps_of_access(Step.LOGIN) | {Step.FETCH, Step.DELETE}

    @property
    def reasons(self) -> frozenset[Reason]:
        return self.reasons_of_access

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        yield from review_interval(self.poll_interval, name, timeout)

    def mailbox(self, resolver: "Resolver", accounts: "Accounts | None") -> Mailbox:
        mailbox: Mailbox = load("exporter.mailboxes.pop3.mailbox:Pop3Mailbox")(
            self, resolver, accounts
        )
        return mailbox
