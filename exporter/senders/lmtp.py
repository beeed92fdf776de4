"""Hands messages to a delivery agent, which stores them in mailboxes (RFC 2033)."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator

from exporter.config.address import PLACEHOLDER, HostTemplate
from exporter.config.server import Port, Ports, TlsMode
from exporter.config.server_url import ServerUrl
from exporter.config.types import WrittenPath
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.smtp.scope import REASONS, STEPS
from exporter.senders.kind import Means
from exporter.senders.one_server_options import OneServerOptions

if TYPE_CHECKING:
    from exporter.senders.one_server import OneServer

LONGEST_PATH = 107  # bytes (unix(7))
_OF_THE_NETWORK = ("port", "tls", "ip", "source_address", "proxy", "client_certificate")


def _socket_path(text: str) -> str:
    if len(text.encode()) > LONGEST_PATH:
        raise ValueError(f"is longer than {LONGEST_PATH} bytes, the limit for a Unix socket")
    return text


SocketPath = Annotated[WrittenPath, AfterValidator(_socket_path)]


class LmtpOptions(OneServerOptions):
    """The delivery agent of a mail server by LMTP (RFC 2033), such as that of Dovecot or Cyrus. No
    relay and no queue is in between: what fails is the delivery agent, and a message that is
    deferred is not sent again."""

    ports: ClassVar[Ports] = Ports("LMTP", others=(24,))
    schemes: ClassVar[tuple[str, ...]] = ("lmtp",)

    host: HostTemplate | None = None
    """Name or address of the server; `{target}` stands for the target."""

    port: Port = 24
    """TCP port."""

    socket: SocketPath | None = None
    """Instead of `host`: the path of a Unix socket on this machine, such as
    `/var/spool/postfix/private/dovecot-lmtp`. mailtrip needs permission to write to it."""

    @classmethod
    def of_url(cls, url: ServerUrl, secret: Mapping[str, str]) -> dict[str, Any]:
        """The options that a URL stands for: a path without a host is a socket."""
        if url.host or not url.path:
            return super().of_url(url, secret)
        url.expect_path()
        return {"socket": url.path}

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        host, socket = (given.get(name) is not None for name in ("host", "socket"))
        if host == socket:
            mistake = "only one of these can be given" if host else "one of these is missing"
            yield f"{mistake}: host, socket"
        useless = [name for name in _OF_THE_NETWORK if given.get(name) is not None]
        if socket and useless:
            yield f"socket excludes {', '.join(useless)}"

    @property
    def tls_mode(self) -> TlsMode:
        """`tls`, or what it defaults to. What goes through a Unix socket stays on this machine."""
        return "none" if self.socket else super().tls_mode

    @property
    def steps(self) -> frozenset[Step]:
        steps = STEPS | self.steps_of_access(Step.AUTH)
        return steps - {Step.RESOLVE} if self.socket else steps

    @property
    def reasons(self) -> frozenset[Reason]:
        reasons = REASONS | {Reason.AUTH} | self.reasons_of_access
        return reasons - {Reason.DNS} if self.socket else reasons

    @property
    def template(self) -> str:
        return self.host or ""

    def sender(self, target: str, means: Means) -> "OneServer":
        from exporter.senders.one_server import OneServer

        host = self.template.replace(PLACEHOLDER, target)
        return OneServer(self, means, host, self.port, "LMTP", self.socket or "")
