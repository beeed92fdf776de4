"""The subjects of blocklist queries: a target, and the addresses that belong to it."""

import asyncio
from collections.abc import Callable

from exporter.blocklists.names import Subject, SubjectKind
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.fairness import in_turns
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver

MOST_ADDRESSES = 64
AT_A_TIME = 200  # addresses that are read at a time: a millisecond of work
SPARE = 0.05  # of the remaining time is kept for the verdict, if no server answers
PATIENCE = 60.0  # seconds for a probe's first message to come
LOOK_AGAIN = 1.0  # seconds between two looks whether it has


class Subjects:
    """A target, and its addresses if `resolved`: with `expand` those of its exchangers, with a
    `sender` the one that the mail of this probe left from."""

    def __init__(
        self,
        target: str,
        resolver: Resolver,
        left_from: Callable[[str], str],
        *,
        resolved: bool,
        expand: bool,
        sender: str,
    ) -> None:
        self._target = Subject.of(target)
        self._resolver = resolver
        self._left_from = left_from
        self._resolve = resolved
        self._expand = expand
        self._sender = sender

    async def find(self, run: Run) -> tuple[list[Subject], ProbeError | None]:
        """Returns the subjects, and the errors that hid others, which must not count as clean."""
        if self._target.kind is not SubjectKind.DOMAIN or not self._resolve:
            return [self._target], None
        addresses, problem = await self._addresses(run)
        known = dict[Subject, None]()
        async for address in in_turns(addresses, AT_A_TIME):
            known[Subject.of(address)] = None
        found = list(known)
        if len(found) > MOST_ADDRESSES:
            text = (
                f"{self._target.text} has {len(found)} addresses; only {MOST_ADDRESSES} of them are"
                " checked"
            )
            problem = ProbeError(Reason.DNS, text)
        return [self._target, *found[:MOST_ADDRESSES]], problem

    async def _addresses(self, run: Run) -> tuple[list[str], ProbeError | None]:
        """All addresses found, in the DNS as others find them, unless the name is a short one. An
        exchanger without one does not prevent queries about the others."""
        addresses: list[str] = []
        problem: ProbeError | None = None
        try:
            if self._sender:
                return [await self._sent_from(run)], None
            hosts = await self._hosts(run)
        except ProbeError as error:
            return [], run.located(error)
        for host in hosts:
            absolute = self._expand or "." in host
            resolver = self._resolver.absolute if absolute else self._resolver
            try:
                with run.step(Step.RESOLVE, f"addresses of {host}"):
                    addresses += await resolver.addresses(host, complete=True)
            except ProbeError as error:
                problem = problem or run.located(error)
        return addresses, problem

    async def _hosts(self, run: Run) -> list[str]:
        """The target itself, or its exchangers. A domain without MX records is its own exchanger
        (RFC 5321 section 5.1)."""
        domain = self._target.text
        if not self._expand:
            return [domain]
        with run.step(Step.RESOLVE, f"MX of {domain}"):
            exchangers = await self._resolver.exchangers(domain)
        return [one.host for one in exchangers[:MOST_ADDRESSES]] or [domain]

    async def _sent_from(self, run: Run) -> str:
        """The address that the probe's mail left from. Waits a while: after the first start the
        message may be in transit."""
        patience = min(PATIENCE, run.time_left() * (1 - SPARE))
        with run.step(Step.RESOLVE, f"source address of the probe {self._sender}"):
            while not (address := self._left_from(self._sender)):
                if patience < LOOK_AGAIN:
                    problem = f"no message of the probe {self._sender} has arrived yet"
                    raise ProbeError(
                        Reason.UNUSABLE,
                        f"{problem}, so its source address is unknown",
                    )
                patience -= LOOK_AGAIN
                await asyncio.sleep(LOOK_AGAIN)
        return address
