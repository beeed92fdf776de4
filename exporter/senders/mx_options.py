"""The options of sending to the exchangers of the recipient's domain."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from exporter.config.address import PLACEHOLDER, EhloName
from exporter.config.choice import load
from exporter.config.finding import Finding
from exporter.config.server import NetworkOptions, Port, Ports, TlsOptions
from exporter.config.server_url import ServerUrl
from exporter.config.types import Duration, duration_text
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.smtp.own_name import own_name
from exporter.net.smtp.ports import SMTP_PORTS
from exporter.net.smtp.scope import REASONS, STEPS
from exporter.senders.kind import Introduction, Means, Sender
from exporter.senders.options import SenderOptions

MAX_EXCHANGERS = 10

_DANE, _MTA_STS = "exporter.senders.dane", "exporter.net.mta_sts.download"

PUBLISHED = {"dane": (_DANE,), "mta_sts": (_MTA_STS,), "policy": (_DANE, _MTA_STS)}
"""The values of `tls` that follow what domains publish, with the modules that do."""

WITHOUT_POLICY: dict[str, Literal["none", "opportunistic", "starttls"]] = {
    "none": "none",
    "starttls": "starttls",
    **dict.fromkeys(("opportunistic", *PUBLISHED), "opportunistic"),
}
"""What `tls` stands for where nothing is published."""


class MxOptions(TlsOptions, NetworkOptions, SenderOptions):
    """The exchangers of the recipient's domain, found through MX records (RFC 5321 section 5.1)."""

    ports: ClassVar[Ports] = SMTP_PORTS
    schemes: ClassVar[tuple[str, ...]] = ("mx",)
    url_place: ClassVar[str] = ""
    most_servers: ClassVar[int] = MAX_EXCHANGERS
    requests_status: ClassVar[bool] = True

    port: Port = 25
    """TCP port of the exchangers."""

    tls: Literal["none", "opportunistic", "starttls", "dane", "mta_sts", "policy"] = "opportunistic"
    """`opportunistic`, as mail servers do, uses TLS if the exchanger offers it. If the exchanger
    then refuses it, or the handshake fails, the message is sent in plain text over another
    connection, and `mailtrip_tls_plaintext_fallback` is 1. `starttls` requires TLS, `none` never
    uses it. `dane` requires what the exchanger's TLSA records say (RFC 7672), `mta_sts` what the
    domain's policy says (RFC 8461), `policy` the one or else the other. Without records and policy
    these are opportunistic; see [tls.md](tls.md#dane)."""

    verify: bool = False
    """Whether the exchanger's certificate is verified. Mail servers do not verify it either. With
    `dane`, `mta_sts` and `policy`, this concerns only exchangers without a policy to enforce: none
    is found, or the mode of the MTA-STS policy is `testing` or `none`."""

    retry_after: Duration = 30.0
    """How long to wait before a message that was deferred (4xx: greylisting, or a server that
    cannot work at the moment) is sent again. The next waits are
    longer: twice, four times, up to ten times as long. There is no retry beyond the module's
    `timeout`."""

    ehlo_name: EhloName | None = None
    """The name for EHLO. Default: the name of this machine."""

    each: bool = False
    """Whether each exchanger is tested, not only the first that accepts the message. Then one more
    message goes through each other address of each exchanger, at most 20 in all, one after the
    other. They do not change the result of the trip. `mailtrip_exchanger_success` shows through
    which exchangers mail arrives: [scenarios.md](scenarios.md#each-exchanger)."""

    gap: Duration | None = 1.0
    """Minimum time between two messages to the same domain, of all modules and targets together.
    Trips wait for their slot before they send; the wait does not count as latency."""

    @classmethod
    def of_url(cls, url: ServerUrl, secret: Mapping[str, str]) -> dict[str, Any]:
        """The options that a URL stands for, which names no server."""
        if url.host:
            raise ValueError(
                f"write {url.scheme}: alone: the DNS names the exchangers of the recipient's domain"
            )
        url.without("user", "port", "path")
        return {}

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.senders.mx", *PUBLISHED.get(self.tls, ()))

    @property
    def steps(self) -> frozenset[Step]:
        tls = frozenset() if self.tls == "none" else {Step.TLS}
        return STEPS | {Step.RETRY} | tls

    @property
    def reasons(self) -> frozenset[Reason]:
        policy = {Reason.POLICY} if self.tls in PUBLISHED else frozenset()
        return REASONS | {Reason.NULL_MX} | policy

    @property
    def falls_back(self) -> bool:
        return WITHOUT_POLICY[self.tls] == "opportunistic"

    @property
    def visits_each(self) -> bool:
        return self.each

    @property
    def template(self) -> str:
        return ""

    @property
    def introduction(self) -> Introduction:
        return Introduction(self.ehlo_name or own_name(), self, only_if_public=False)

    def check_target(self, target: str) -> None:
        """Accepts any valid recipient: the exchangers are those of its domain."""

    def needs_target(self, recipient: str) -> bool:
        return PLACEHOLDER in recipient

    def review(self, timeout: float) -> Iterator[Finding]:
        if self.port == SMTP_PORTS.implicit:
            text = "exchangers accept mail on port 25; port 465 is for clients: use `smtp`"
            yield Finding(("port",), text)
        if "retry_after" in self.model_fields_set and self.retry_after >= timeout:
            text = (
                f"is not shorter than the module's timeout, {duration_text(timeout)}: a deferred"
                " message is never retried"
            )
            yield Finding(("retry_after",), text, warning=True)

    def sender(self, target: str, means: Means) -> Sender:
        kind = load("exporter.senders.mx:MxSender")
        sender: Sender = kind(self, means.resolver, means.policies)
        return sender
