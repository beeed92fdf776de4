"""The options of a mailbox on an IMAP server."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from exporter.config.choice import load
from exporter.config.finding import Finding
from exporter.config.server import ForPassword, Port, Ports, TlsMode
from exporter.config.types import Text
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.junk import reasons_of_folders
from exporter.mailboxes.server import MailServerOptions
from exporter.mailboxes.session import Mailbox

if TYPE_CHECKING:
    from exporter.net.dns.resolver import Resolver
    from exporter.net.oauth2 import Accounts


class ImapOptions(MailServerOptions):
    """A mailbox on an IMAP server (RFC 3501)."""

    ports: ClassVar[Ports] = Ports("IMAP", implicit=993, starttls=143)
    schemes: ClassVar[tuple[str, ...]] = ("imap", "imaps")
    searches_junk: ClassVar[bool] = True

    port: Port | None = None
    """TCP port. Default: 993 with `tls: implicit`, else 143."""

    tls: TlsMode | None = None
    """`none`, `starttls` or `implicit`. Default: `implicit` on port 993 and when no port is given;
    on any other port `starttls` if there is a password, so that it is not sent in plain text by
    accident, else `none`."""

    folders: list[Text] = Field(default=["INBOX", "\\Junk"], min_length=1, max_length=8)
    """The folders that are searched; only the first is monitored continuously. A name that begins
    with a backslash is a special use (RFC 6154), and is omitted if the server has no such folder.
    If the server marks no folder as `\\Junk`, it is the one named Junk or Spam in one of many
    languages."""

    auth: Literal["login", "plain", ForPassword, "xoauth2", "oauthbearer", "external"] | None = None
    """The only mechanism that is used: the command LOGIN, or AUTHENTICATE with another one.
    Default: the first that the server offers of login, plain, SCRAM (see `auth` of `smtp`),
    cram-md5; with `oauth2` of oauthbearer, xoauth2; with `client_certificate` and no `password`
    external."""

    id: bool = True
    """Whether to send the name and version of this program to a server that offers ID (RFC 2971).
    NetEase (163, 126, yeah) opens no folder without it."""

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.mailboxes.imap.mailbox",)

    @property
    def steps(self) -> frozenset[Step]:
        return self.steps_of_access(Step.LOGIN) | {Step.SELECT, Step.FETCH, Step.DELETE}

    @property
    def reasons(self) -> frozenset[Reason]:
        return self.reasons_of_access | reasons_of_folders(self.folders)

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        yield from ()

    def mailbox(self, resolver: "Resolver", accounts: "Accounts | None") -> Mailbox:
        mailbox: Mailbox = load("exporter.mailboxes.imap.mailbox:ImapMailbox")(
            self, resolver, accounts
        )
        return mailbox
