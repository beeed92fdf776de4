"""The options of a Maildir."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from exporter.config.choice import load
from exporter.config.finding import Finding
from exporter.config.server import Ports
from exporter.config.server_url import ServerUrl
from exporter.config.types import Options, Text
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.junk import reasons_of_folders
from exporter.mailboxes.session import Mailbox

if TYPE_CHECKING:
    from exporter.net.dns.resolver import Resolver
    from exporter.net.oauth2 import Accounts


def _folder(name: str) -> str:
    if name.startswith("\\") and name.lower() != "\\junk":
        raise ValueError(
            "the only special folder of a Maildir is \\Junk; write the name of any other"
        )
    return name


class MaildirOptions(Options):
    """A Maildir (https://cr.yp.to/proto/maildir.html). mailtrip's user must be allowed to read and
    delete in it.

    If the kernel reports new files (inotify), they are seen at once. mailtrip also polls,
    because no network file system reports changes by other machines. Mount a network file
    system with `actimeo=1` or less: it limits the accuracy of delays.

    Files that Dovecot has compressed are read: gzip, bzip2, xz, deflate, zstd. Files that it has
    encrypted (mail_crypt) cannot be read, and the trip reports that; use IMAP or POP3 instead. The
    same applies to files that another program has encrypted as a whole (PGP, S/MIME, age), and to
    LZ4.
    """

    ports: ClassVar[Ports | None] = None
    searches_junk: ClassVar[bool] = True
    schemes: ClassVar[tuple[str, ...]] = ("maildir",)
    url_place: ClassVar[str] = "/PATH"

    path: Text
    """The directory that contains `new`, `cur` and `tmp`."""

    folders: list[Annotated[Text, AfterValidator(_folder)]] = Field(
        default=["INBOX", "\\Junk"], min_length=1, max_length=8
    )
    r"""The folders that are searched: `INBOX` is the Maildir itself, `Archive.2026` its
    subdirectory `.Archive.2026` (the layout of Maildir++, Dovecot, Courier). `\Junk` is the folder
    named Junk or Spam in one of many languages; it is omitted if there is none."""

    @classmethod
    def of_url(cls, url: ServerUrl, secret: Mapping[str, str]) -> dict[str, Any]:
        """The options that a URL stands for."""
        url.expect_path()
        return {"path": url.path}

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.mailboxes.maildir.mailbox",)

    @property
    def steps(self) -> frozenset[Step]:
        return frozenset({Step.SELECT, Step.FETCH, Step.DELETE})

    @property
    def reasons(self) -> frozenset[Reason]:
        """A file system may hang."""
        of_files = frozenset({Reason.TIMEOUT, Reason.UNAVAILABLE, Reason.REJECTED})
        return of_files | reasons_of_folders(self.folders)

    @property
    def place(self) -> str:
        return self.path

    @property
    def reception(self) -> None:
        """Its mail is fetched."""

    def takes(self, address: str) -> bool:
        return True

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        yield from ()

    def mailbox(self, resolver: "Resolver", accounts: "Accounts | None") -> Mailbox:
        mailbox: Mailbox = load("exporter.mailboxes.maildir.mailbox:MaildirMailbox")(
            self, resolver, accounts
        )
        return mailbox
