"""Subjects of queries, and the DNS names to query (RFC 5782 sections 2.1, 2.4 and 3.1)."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from exporter.config.address import check_host
from exporter.config.grammar import domain_of, ip_of, is_private


class SubjectKind(StrEnum):
    """The kinds of subjects."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class Subject:
    """An address or a domain to query. `text` is its canonical form, suitable as a label."""

    kind: SubjectKind
    text: str

    @classmethod
    def of(cls, text: str) -> "Subject":
        """An IPv4 address, an IPv6 address (with or without brackets) or a domain. Raises
        ValueError with the cure.

        An IPv4 address inside an IPv6 one (::ffff:192.0.2.1) is the IPv4 address: it is the same
        host.
        """
        address = ip_of(text.removeprefix("[").removesuffix("]"))
        if address is None:
            return cls(SubjectKind.DOMAIN, domain_of(check_host(text)) or "")
        return cls(SubjectKind.IPV6 if address.version == 6 else SubjectKind.IPV4, str(address))

    @property
    def is_public(self) -> bool:
        """Whether it is an address or a name of the Internet."""
        if self.kind is SubjectKind.DOMAIN:
            return not is_private(self.text)
        address = ip_address(self.text)
        return address.is_global and not address.is_multicast

    @property
    def labels(self) -> str:
        """The labels before the zone in a query: octets or nibbles in reverse order, or the domain
        itself."""
        if self.kind is SubjectKind.IPV4:
            return ".".join(reversed(self.text.split(".")))
        if self.kind is SubjectKind.IPV6:
            # By number: `exploded` writes a mapped address with dots from Python 3.13 on.
            return ".".join(reversed(f"{int(IPv6Address(self.text)):032x}"))
        return self.text


TESTS = {
    SubjectKind.IPV4: (
        Subject(SubjectKind.IPV4, "127.0.0.2"),
        Subject(SubjectKind.IPV4, "127.0.0.1"),
    ),
    SubjectKind.IPV6: (
        Subject(SubjectKind.IPV6, "::ffff:7f00:2"),
        Subject(SubjectKind.IPV6, "::ffff:7f00:1"),
    ),
    SubjectKind.DOMAIN: (
        Subject(SubjectKind.DOMAIN, "test"),
        Subject(SubjectKind.DOMAIN, "invalid"),
    ),
}
"""What every list must have, and what none may have (RFC 5782 section 5)."""
