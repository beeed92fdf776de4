"""What TLS with an exchanger has to be."""

from dataclasses import dataclass
from typing import Literal, Protocol

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError, TlsPolicy
from exporter.core.reasons import Reason
from exporter.core.trace.run import Run
from exporter.net.smtp.session import Judge

BINDING = ("enforce", "encrypt")  # modes in which a message is rather kept back
NO_POLICY = TlsPolicy("none", "none")


@dataclass(frozen=True, slots=True)
class TlsRequirement:
    """How to use TLS with an exchanger. A `policy` is what its domain has published; it may have a
    `judge` of the certificates."""

    tls: Literal["none", "opportunistic", "starttls"]
    options: TlsOptions
    policy: TlsPolicy = NO_POLICY
    judge: Judge | None = None
    testing: "TlsRequirement | None" = None
    """How to go on if it is not met: the policy is only being tested."""

    def blamed(self, error: ProbeError) -> ProbeError:
        """An error of the conversation. If TLS has failed, the policy forbids what other servers
        would do then."""
        if self.policy.mode not in BINDING or error.reason is not Reason.TLS:
            return error
        detail = f"{error.detail}, and the policy ({self.policy.policy}) forbids going on"
        translated = ProbeError(Reason.POLICY, detail, code=error.code, facts=error.facts)
        return translated.at(error.phase, error.step)


class PublishedPolicy(Protocol):
    """A way in which domains publish what TLS has to be."""

    async def requirement(self, host: str, domain: str, run: Run) -> TlsRequirement:
        """What TLS with this exchanger of a domain has to be. Raises ProbeError if a mail server
        that follows the policy would not even connect."""

    async def preflight(self, host: str, run: Run) -> None:
        """Raises ProbeError if the policy of this exchanger cannot be found from here."""
