"""Reads resolv.conf(5) as the C library does, which passes over what it does not understand.
Pure."""

from collections.abc import Iterator

import dns.exception
import dns.inet
import dns.name


def usable(content: bytes) -> str:
    """Its lines without comments, names that are none, and name servers that are no addresses."""
    lines = (line.split() for line in content.decode("utf-8", "replace").split("\n"))
    kept = ([*_usable(words)] for words in lines)
    return "".join(f"{' '.join(words)}\n" for words in kept if len(words) > 1)


def _usable(words: list[str]) -> Iterator[str]:
    match words:
        case ["nameserver", address, *_] if dns.inet.is_address(address):
            yield from ("nameserver", address)
        case ["search" | "domain" as word, *names]:
            yield from (word, *filter(_is_name, names))
        case ["options", *_]:
            yield from words


def _is_name(text: str) -> bool:
    try:
        dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError):
        return False
    return True
