"""The policies of MTA-STS that are known: each is kept as long as it says, also if its domain no
longer announces it, and renewed before it ends (RFC 8461 sections 3.3 and 5.1)."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason, Trait
from exporter.core.saved_policy import SavedPolicy
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import FairTimeout
from exporter.core.trace.starvation import blamed
from exporter.net.dns.resolver import Resolver
from exporter.net.mta_sts.policy import HTTPS, Malformed, StsPolicy, parse, version_of

PATIENCE = 15.0  # seconds with the host of a policy
PAUSE = 300.0  # seconds after a failed download
DAY = 86400.0  # after which a policy is downloaded again, though its version is the same
MOST = 10_000  # domains


@dataclass(frozen=True, slots=True)
class FoundPolicy:
    """The policy of a domain; None if it has none that is known."""

    policy: StsPolicy | None
    problem: str = ""
    """Why there is no policy, or no newer one, though one is announced."""


@dataclass(frozen=True, slots=True)
class _Known:
    version: str
    policy: StsPolicy
    downloaded_at: float  # seconds since the epoch

    def lasts(self, now: float) -> bool:
        """A clock that was set back ends it, too."""
        return 0 <= now - self.downloaded_at < self.policy.max_age

    def is_fresh(self, now: float) -> bool:
        return now - self.downloaded_at < min(DAY, self.policy.max_age / 2)


class KeptPolicies(Protocol):
    """Keeps policies over a restart."""

    def keep_sts_policy(self, saved: SavedPolicy) -> None: ...
    def sts_policies(self) -> list[SavedPolicy]: ...


class StsPolicies:
    """Finds policies, and gives each new one to `kept`."""

    def __init__(
        self,
        resolver: Resolver,
        clock: Clock,
        kept: KeptPolicies | None = None,
        port: int = HTTPS,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._kept = kept
        self._port = port
        self._known: dict[str, _Known] = {}
        self._failed: dict[str, tuple[str, float, str]] = {}  # version, until when, why
        self._turns: dict[str, asyncio.Lock] = {}

    def restore(self) -> None:
        """Knows again what an earlier process knew. Raises StateUnusable."""
        for one in self._kept.sts_policies() if self._kept else ():
            with suppress(Malformed):  # a newer mailtrip may have read more
                self._know(one)

    async def find(self, domain: str, ca_file: str | None) -> FoundPolicy:
        """The policy of a domain that announces one, or did so not long ago. Raises ProbeError only
        if we were too late ourselves."""
        known = self._lasting(domain)
        lasting = known.policy if known else None
        try:
            version = version_of(await self._resolver.texts(f"_mta-sts.{domain}"))
        except ProbeError as error:
            if Trait.TELLS_NOTHING in error.reason.traits:
                raise
            return FoundPolicy(lasting, error.detail)
        if version is None:
            return FoundPolicy(lasting)
        turn = self._turns.setdefault(domain, asyncio.Lock())
        try:
            async with turn:  # several probes ask for one domain
                return await self._announced(domain, version, ca_file)
        finally:
            if not turn.locked():
                self._turns.pop(domain, None)

    async def _announced(self, domain: str, version: str, ca_file: str | None) -> FoundPolicy:
        known = self._lasting(domain)
        lasting = known.policy if known else None
        if known and known.version == version and known.is_fresh(self._clock.wall()):
            return FoundPolicy(known.policy)
        failed, until, why = self._failed.get(domain, ("", 0.0, ""))
        if failed == version and self._clock.monotonic() < until:
            return FoundPolicy(lasting, why)
        try:
            text = await self._download(domain, ca_file)
            new = SavedPolicy(domain, version, text, self._clock.wall())
            policy = self._know(new)
        except Malformed as error:
            why = f"the policy of {domain} is malformed: {error}"
        except ProbeError as error:
            if Trait.TELLS_NOTHING in error.reason.traits:
                raise
            why = error.detail
        else:
            self._failed.pop(domain, None)
            if self._kept:
                self._kept.keep_sts_policy(new)
            return FoundPolicy(policy)
        self._failed[domain] = (version, self._clock.monotonic() + PAUSE, why)
        if len(self._failed) > MOST:
            del self._failed[next(iter(self._failed))]
        return FoundPolicy(lasting, why)

    async def _download(self, domain: str, ca_file: str | None) -> str:
        # Only who follows these policies needs an HTTP client.
        from exporter.net.mta_sts.download import download

        began = self._clock.monotonic()
        try:
            async with FairTimeout(PATIENCE, PATIENCE):
                return await download(domain, self._resolver, ca_file, self._port)
        except TimeoutError:
            error = ProbeError(
                Reason.TIMEOUT, f"no answer from mta-sts.{domain} within {PATIENCE:g} s"
            )
            raise blamed(error, self._clock.late_since(began), PATIENCE) from None

    def _lasting(self, domain: str) -> _Known | None:
        known = self._known.get(domain)
        return known if known and known.lasts(self._clock.wall()) else None

    def _know(self, saved: SavedPolicy) -> StsPolicy:
        """Raises Malformed."""
        policy = parse(saved.text)
        self._known.pop(saved.domain, None)
        self._known[saved.domain] = _Known(saved.version, policy, saved.downloaded_at)
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        return policy
