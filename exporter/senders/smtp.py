"""Sends through an SMTP server given by name."""

from typing import TYPE_CHECKING, ClassVar

from exporter.config.address import PLACEHOLDER, HostTemplate
from exporter.config.server import Port, Ports
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.smtp.own_name import own_name
from exporter.net.smtp.ports import BETWEEN_SERVERS, SMTP_PORTS
from exporter.net.smtp.scope import REASONS, STEPS
from exporter.senders.kind import Introduction, Means
from exporter.senders.one_server_options import OneServerOptions

if TYPE_CHECKING:
    from exporter.senders.one_server import OneServer


class SmtpOptions(OneServerOptions):
    """An SMTP server given by name (RFC 5321), or a submission server with a login (RFC 6409)."""

    ports: ClassVar[Ports] = SMTP_PORTS
    requests_status: ClassVar[bool] = True
    schemes: ClassVar[tuple[str, ...]] = ("smtp", "smtps")

    host: HostTemplate
    """Name or address of the server; `{target}` stands for the target."""

    port: Port | None = None
    """TCP port. Default: 465 with `tls: implicit`, 587 with a login or `tls: starttls`, else 25."""

    @property
    def tcp_port(self) -> int:
        """`port`, or what it defaults to."""
        return self.port or {"implicit": 465, "starttls": 587, "none": 25}[self.tls_mode]

    @property
    def steps(self) -> frozenset[Step]:
        return STEPS | self.steps_of_access(Step.AUTH)

    @property
    def reasons(self) -> frozenset[Reason]:
        return REASONS | {Reason.AUTH} | self.reasons_of_access

    @property
    def template(self) -> str:
        return self.host

    @property
    def introduction(self) -> Introduction | None:
        """A server of the Internet that takes mail on port 25 without a login does not know us. It
        sees the address of a proxy, not ours."""
        known = self.username or self.client_certificate or self.proxy
        if self.tcp_port != BETWEEN_SERVERS or known:
            return None
        return Introduction(self.ehlo_name or own_name(), self, only_if_public=True)

    def sender(self, target: str, means: Means) -> "OneServer":
        from exporter.senders.one_server import OneServer

        host = self.host.replace(PLACEHOLDER, target)
        return OneServer(self, means, host, self.tcp_port)
