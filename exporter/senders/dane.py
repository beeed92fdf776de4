"""DANE for SMTP (RFC 7672): TLSA records say which certificate an exchanger has."""

from collections.abc import Sequence

from exporter.config.server import NetworkOptions
from exporter.core.model import ProbeError, TlsPolicy
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.net.tls.dane import refusal
from exporter.net.tls.tlsa import Tlsa, usable
from exporter.senders.tls_requirement import TlsRequirement


class Dane:
    """Looks up what exchangers publish. Like Postfix, it does so too if the MX records that led to
    them are not signed (`smtp_tls_dane_insecure_mx_policy`)."""

    def __init__(
        self, otherwise: TlsRequirement, port: int, network: NetworkOptions, resolver: Resolver
    ) -> None:
        self._otherwise = otherwise  # without records
        self._port = port
        self._ip = network.ip
        self._resolver = resolver

    async def requirement(self, host: str, domain: str, run: Run) -> TlsRequirement:
        """Raises ProbeError (dns) if it is unknown whether there are records: the name server does
        not answer, or found that the answer is forged."""
        async with run.conversation():
            with run.step(Step.RESOLVE, f"_{self._port}._tcp.{host} TLSA"):
                base, records = await self._records(host)
        if not records:
            return self._otherwise
        options = self._otherwise.options.model_copy(update={"verify": False, "server_name": base})
        run.note(f"-- TLSA records of _{self._port}._tcp.{base}: {_in_words(records)}")
        if not (counting := usable(records)):
            return TlsRequirement("starttls", options, TlsPolicy("dane", "encrypt"))

        def judge(chain: Sequence[bytes]) -> None:
            if why := refusal(counting, chain, {base, host, domain}, run.started_at):
                place = f"_{self._port}._tcp.{base}"
                raise ProbeError(
                    Reason.POLICY, f"the certificate of {host} is not what {place} says: {why}"
                )

        return TlsRequirement("starttls", options, TlsPolicy("dane", "enforce"), judge)

    async def preflight(self, host: str, run: Run) -> None:
        async with run.conversation():
            with run.step(Step.RESOLVE, host):
                if await self._resolver.secure_name(host, self._ip) is None:
                    await self._resolver.expect_validation()

    async def _records(self, host: str) -> tuple[str, list[Tlsa]]:
        """The records, and the name that they are of: that which the aliases of the host lead to,
        or its own (RFC 7672 section 2.2.3)."""
        base = await self._resolver.secure_name(host, self._ip)
        if base is None:
            return host, []
        for name in dict.fromkeys((base, host.lower())):
            if records := await self._resolver.tlsa(name, self._port):
                return name, records
        return base, []


def _in_words(records: Sequence[Tlsa]) -> str:
    shown = [
        f"{one.usage} {one.selector} {one.matching} {one.data.hex()[:16]}…" for one in records[:5]
    ]
    more = len(records) - len(shown)
    return ", ".join([*shown, *([f"and {more} more"] if more else [])])
