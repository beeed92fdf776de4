"""The options of this machine's sendmail program."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from exporter.config.choice import load
from exporter.config.server import Ports
from exporter.config.server_url import ServerUrl
from exporter.config.types import Text
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.senders.kind import Means, Sender
from exporter.senders.options import SenderOptions

EXIT_CODES = {  # sysexits.h
    64: (Reason.PROGRAM, "EX_USAGE, command line usage error"),
    65: (Reason.REJECTED, "EX_DATAERR, data format error"),
    66: (Reason.PROGRAM, "EX_NOINPUT, cannot open input"),
    67: (Reason.REJECTED, "EX_NOUSER, recipient unknown"),
    68: (Reason.DNS, "EX_NOHOST, host name unknown"),
    69: (Reason.UNAVAILABLE, "EX_UNAVAILABLE, service unavailable"),
    70: (Reason.PROGRAM, "EX_SOFTWARE, internal software error"),
    71: (Reason.PROGRAM, "EX_OSERR, operating system error"),
    72: (Reason.PROGRAM, "EX_OSFILE, system file missing"),
    73: (Reason.PROGRAM, "EX_CANTCREAT, cannot create output file"),
    74: (Reason.PROGRAM, "EX_IOERR, input/output error"),
    75: (Reason.DEFERRED, "EX_TEMPFAIL, temporary failure"),
    76: (Reason.PROTOCOL, "EX_PROTOCOL, remote error in protocol"),
    77: (Reason.REJECTED, "EX_NOPERM, permission denied"),
    78: (Reason.PROGRAM, "EX_CONFIG, configuration error"),
}


class SendmailOptions(SenderOptions):
    """The sendmail program of this machine. Its exit code is the result; 0 usually means that the
    message is in its queue. It is called as `sendmail -i -f FROM -- TO`, without a shell, with the
    message as its input."""

    ports: ClassVar[Ports | None] = None
    schemes: ClassVar[tuple[str, ...]] = ("sendmail",)
    url_place: ClassVar[str] = ""

    path: Text = "/usr/sbin/sendmail"
    """The program."""

    @classmethod
    def of_url(cls, url: ServerUrl, secret: Mapping[str, str]) -> dict[str, Any]:
        """The options that a URL stands for: the path of the program, if it has one."""
        if not (url.host or url.path):
            url.without("user", "port")
            return {}
        url.expect_path()
        return {"path": url.path}

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.senders.sendmail",)

    @property
    def steps(self) -> frozenset[Step]:
        return frozenset({Step.PROGRAM})

    @property
    def reasons(self) -> frozenset[Reason]:
        """Those of its exit codes, and of a server's reply that the program passes on."""
        return frozenset({reason for reason, _ in EXIT_CODES.values()}) | {
            Reason.TIMEOUT,
            Reason.AUTH,
            Reason.TLS,
            Reason.MAILBOX_FULL,
        }

    def sender(self, target: str, means: Means) -> Sender:
        kind = load("exporter.senders.sendmail:SendmailSender")
        sender: Sender = kind(self)
        return sender
