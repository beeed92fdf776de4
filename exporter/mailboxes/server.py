"""Shared options of mailboxes on a mail server, for all protocols."""

from collections.abc import Mapping
from typing import Any, ClassVar

from exporter.config.server import Ports, ServerOptions, TlsMode
from exporter.config.server_url import ServerUrl


class MailServerOptions(ServerOptions):
    """The server of a mailbox from which mail is fetched. Without `port` it is TLS from the
    start."""

    ports: ClassVar[Ports]
    searches_junk: ClassVar[bool] = False

    @classmethod
    def of_url(cls, url: ServerUrl, secret: Mapping[str, str]) -> dict[str, Any]:
        """The options that a URL stands for: without `s`, its scheme begins in plain text."""
        options = super().of_url(url, secret)
        if not url.user:
            raise ValueError(f"the user is missing; write {url.start}USER@{url.host}")
        port = options.pop("port", cls.ports.starttls)
        return {"host": options.pop("host"), "port": port, **options}

    @property
    def tls_mode(self) -> TlsMode:
        """`tls`, or what it defaults to."""
        return "implicit" if self.tls is None and self.port is None else super().tls_mode

    @property
    def tcp_port(self) -> int:
        """`port`, or what it defaults to."""
        ports = self.ports
        default = ports.implicit if self.tls_mode == "implicit" else ports.starttls
        return self.port or default or 0  # never 0: both are registered for IMAP and POP3

    @property
    def place(self) -> str:
        return f"{self.host}:{self.tcp_port}"

    @property
    def reception(self) -> None:
        """None: mailtrip fetches its mail."""

    def takes(self, address: str) -> bool:
        return True
