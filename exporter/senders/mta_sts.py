"""MTA-STS (RFC 8461): a policy that the recipient's domain publishes by HTTPS."""

from dataclasses import replace

from exporter.core.model import ProbeError, TlsPolicy
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.net.mta_sts.policies import StsPolicies
from exporter.net.mta_sts.policy import StsPolicy
from exporter.senders.tls_requirement import TlsRequirement

MOST_NAMED = 4  # patterns in an error


class MtaSts:
    """Follows the policies of domains."""

    def __init__(self, otherwise: TlsRequirement, policies: StsPolicies) -> None:
        self._otherwise = otherwise  # without a policy
        self._policies = policies

    async def requirement(self, host: str, domain: str, run: Run) -> TlsRequirement:
        """Raises ProbeError (policy) if this is none of the exchangers that the policy has."""
        options = self._otherwise.options
        async with run.conversation():
            with run.step(Step.RESOLVE, f"_mta-sts.{domain} TXT"):
                found = await self._policies.find(domain, options.ca_file)
        if found.problem:
            run.note(f"-- MTA-STS: {found.problem}")
        if not (policy := found.policy):
            mode = "unavailable" if found.problem else ""
            fact = TlsPolicy("mta_sts", mode, found.problem)
            return replace(self._otherwise, policy=fact) if mode else self._otherwise
        run.note(f"-- MTA-STS policy of {domain}: {policy.mode}, {_in_words(policy)}")
        fact = TlsPolicy("mta_sts", policy.mode, found.problem)
        lenient = replace(self._otherwise, policy=fact)
        if policy.mode == "none":
            return lenient
        if not policy.covers(host):
            why = one_line(f"{host} is not in the MTA-STS policy of {domain} ({_in_words(policy)})")
            if policy.mode == "testing":
                return replace(lenient, policy=replace(fact, problem=why))
            with run.step(Step.TLS, host):
                raise ProbeError(Reason.POLICY, why, facts=(fact,))
        strict = options.model_copy(update={"verify": True, "server_name": host})
        testing = lenient if policy.mode == "testing" else None
        return TlsRequirement("starttls", strict, fact, testing=testing)

    async def preflight(self, host: str, run: Run) -> None:
        """A policy can be found from anywhere."""


def _in_words(policy: StsPolicy) -> str:
    shown = ", ".join(policy.patterns[:MOST_NAMED])
    return f"mx: {shown}{', …' if len(policy.patterns) > MOST_NAMED else ''}"
