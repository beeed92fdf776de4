"""Checks how other servers find mailtrip's SMTP receiver: by MX records, on port 25. It only
queries DNS."""

import socket
from collections.abc import Iterable

from exporter.commands.preflight.remark import Remark, Risk
from exporter.config.grammar import ip_of
from exporter.config.types import Listen
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.dns.resolver import Resolver
from exporter.net.smtp.ports import BETWEEN_SERVERS


async def of_receiver(
    listen: Listen, recipients: Iterable[str], resolver: Resolver
) -> list[Remark]:
    """Whether mail to each domain of its recipients reaches it. One that only listens on loopback
    is not checked."""
    address = ip_of(listen.host)
    if listen.host == "localhost" or (address and address.is_loopback):
        return []
    found: list[Remark] = []
    for domain in dict.fromkeys(recipient.rpartition("@")[2].lower() for recipient in recipients):
        if not domain.startswith("["):
            found += await _of_domain(listen, domain, resolver)
    return found


async def _of_domain(listen: Listen, domain: str, resolver: Resolver) -> list[Remark]:
    try:
        exchangers = await resolver.exchangers(domain)
        named = [one.host for one in sorted(exchangers, key=lambda one: (one.preference, one.host))]
        addresses = {host: await resolver.published(host) for host in named or [domain]}
    except ProbeError as error:
        answered = error.reason is Reason.NULL_MX or error.code == "NXDOMAIN"
        return [Remark(Risk.NO_WAY_HERE if answered else Risk.UNSEEN, error.detail)]
    if not any(addresses.values()):
        which = (
            f"{', '.join(named)}, its MX, has no address"
            if named
            else "it has neither an MX nor an address record"
        )
        return [Remark(Risk.NO_WAY_HERE, f"{domain}: {which}")]
    goes = ", ".join(f"{host} ({', '.join(ours)})" for host, ours in addresses.items() if ours)
    if not any(_is_ours(address) for ours in addresses.values() for address in ours):
        return [Remark(Risk.LEADS_ELSEWHERE, f"{domain} goes to {goes}", listen)]
    return (
        [Remark(Risk.OTHER_PORT, f"{domain} goes to {goes}", listen)]
        if listen.port not in (0, BETWEEN_SERVERS)
        else []
    )


def _is_ours(address: str) -> bool:
    """Whether an address is one of this machine's: only then can a socket bind to it."""
    with socket.socket(
        socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM
    ) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
        return True
