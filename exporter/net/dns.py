"""Names: addresses and exchangers, through dnspython. The C library's resolver would queue probes in few threads."""

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from exporter.model import Exchanger, ProbeError, Reason

HOSTS_FILE = Path("/etc/hosts")
RESOLV_CONF = Path("/etc/resolv.conf")
DEFAULT_TIMEOUT = 5.0  # seconds for one question, all servers and repetitions together


class Resolver:
    """Asks `nameservers` (HOST:PORT), or those of resolv.conf, which is read again when it changes.

    Answers are not cached: a trip tells how long a name takes. Every failure is ProbeError(dns).
    """

    def __init__(
        self, nameservers: Sequence[str] = (), timeout: float = DEFAULT_TIMEOUT, resolv_conf: Path = RESOLV_CONF
    ) -> None:
        self._nameservers = nameservers
        self._resolv_conf = resolv_conf
        self._timeout = timeout
        self._changed = -1
        self._dns = self._configured() if nameservers else dns.asyncresolver.Resolver(configure=False)

    def _configured(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=False)
        servers = [server.rpartition(":") for server in self._nameservers]
        resolver.nameservers = [_nameserver(host.strip("[]"), int(port)) for host, _, port in servers]
        return resolver

    def _current(self) -> dns.asyncresolver.Resolver:
        if not self._nameservers:
            try:
                changed = os.stat(self._resolv_conf).st_mtime_ns
                if changed != self._changed:
                    self._dns, self._changed = dns.asyncresolver.Resolver(str(self._resolv_conf)), changed
            except (OSError, dns.resolver.NoResolverConfiguration):
                raise ProbeError(
                    Reason.DNS, f"no nameserver in {self._resolv_conf}; set resolver.nameservers"
                ) from None
        self._dns.lifetime = self._timeout
        self._dns.timeout = min(2.0, self._timeout)
        self._dns.use_edns(0, 0, 1232)
        return self._dns

    async def addresses(self, host: str, ip: Literal["any", "4", "6"] = "any") -> list[str]:
        """The addresses of a host, IPv6 and IPv4 in turns; an address is its own. The hosts file goes first."""
        kind = {"any": "", "4": "IPv4 ", "6": "IPv6 "}[ip]
        if literal := _literal(host):
            if ip != "any" and (ip == "6") != (":" in literal):
                raise ProbeError(Reason.DNS, f"{host} is no {kind}address, and ip is {ip}")
            return [literal]
        families = [family for family in ("6", "4") if ip in ("any", family)]
        known = [address for address in _hosts_file(host) if ("6" if ":" in address else "4") in families]
        if known:
            return known
        answers: dict[str, list[str]] = {}
        for family in families:
            answers[family] = await self._records(host, "AAAA" if family == "6" else "A", search=True)
        longest = max(len(found) for found in answers.values())
        addresses = [found[n] for n in range(longest) for found in answers.values() if n < len(found)]
        if not addresses:
            raise ProbeError(Reason.DNS, f"{host} has no {kind}address")
        return addresses

    async def exchangers(self, domain: str) -> list[Exchanger]:
        """The MX records as they are: none is an empty list; a null MX (RFC 7505) is ProbeError(null_mx)."""
        records = await self._records(domain, "MX")
        exchangers = [Exchanger(host.rstrip("."), int(preference)) for preference, host in map(str.split, records)]
        if any(not exchanger.host for exchanger in exchangers):
            if len(exchangers) == 1:
                raise ProbeError(Reason.NULL_MX, f"{domain} says that it takes no mail (null MX, RFC 7505)")
            exchangers = [exchanger for exchanger in exchangers if exchanger.host]
        return exchangers

    async def _records(self, name: str, kind: str, *, search: bool = False) -> list[str]:
        """The records as text; none, but the name exists: an empty list."""
        try:
            absolute = dns.name.from_text(name) if name.endswith(".") or not search else name
            answer = await self._current().resolve(absolute, kind, search=search, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            raise ProbeError(Reason.DNS, f"{name} does not exist (NXDOMAIN)", code="NXDOMAIN") from None
        except dns.resolver.LifetimeTimeout as error:
            detail = f"no answer for {name} {kind} within {self._timeout:g} s"
            raise ProbeError(Reason.DNS, detail, code="TIMEOUT") from error
        except dns.resolver.NoNameservers as error:
            raise ProbeError(Reason.DNS, f"no server could answer for {name} {kind}", code="SERVFAIL") from error
        except (dns.exception.DNSException, UnicodeError) as error:
            raise ProbeError(Reason.DNS, f"cannot look up {name}: {type(error).__name__}") from error
        except OSError as error:
            raise ProbeError(Reason.DNS, f"cannot ask for {name}: {error.strerror}") from error
        return [record.to_text() for record in answer.rrset or ()]


def _nameserver(host: str, port: int) -> dns.nameserver.Nameserver:
    return dns.nameserver.Do53Nameserver(host, port)


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return None


def _hosts_file(host: str) -> list[str]:
    """The addresses that the hosts file gives a name. dnspython does not read it, and containers rely on it."""
    try:
        lines = HOSTS_FILE.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    wanted = host.rstrip(".").lower()
    entries = [line.partition("#")[0].split() for line in lines]
    return [entry[0] for entry in entries if wanted in (name.lower() for name in entry[1:])]
