"""The result of one attempt of `mailtrip check --try`."""

from dataclasses import dataclass

from exporter.commands.preflight.remark import Remark
from exporter.core.model import Exchanger, Fact, Failure, Span, TlsSession


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one attempt. `failure` is None if it succeeded."""

    what: str
    """Such as: mailbox monitor."""

    where: str
    seconds: float = 0.0
    failure: Failure | None = None
    facts: tuple[Fact, ...] = ()
    spans: tuple[Span, ...] = ()
    skipped: str = ""
    """Why nothing was tried."""

    to_external: bool = False
    """Whether the server belongs to another organisation."""

    public: bool = False
    """Whether it is on the Internet."""

    remarks: tuple[Remark, ...] = ()
    """What is no failure, and may become one when a message is sent."""

    @property
    def tls(self) -> TlsSession | None:
        """The TLS parameters, or the certificate that was refused."""
        return next((fact for fact in self.facts if isinstance(fact, TlsSession)), None)

    @property
    def exchanger(self) -> str:
        """The exchanger that answered."""
        return next((fact.host for fact in self.facts if isinstance(fact, Exchanger)), "")
