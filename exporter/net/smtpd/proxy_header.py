"""The PROXY protocol, versions 1 and 2: a load balancer says for which client it connects
(https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt). Pure."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from exporter.config.grammar import ip_of

LONGEST = 4096  # bytes of a header with its extensions
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = len(_SIGNATURE) + 4
_LONGEST_V1 = 107
_V1 = re.compile(rb"PROXY TCP([46]) (\S{1,45}) (\S{1,45}) (\d{1,5}) (\d{1,5})\r\n")
_UNKNOWN = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?\r\n")
_PROXY, _LOCAL = 0x21, 0x20
_TCP = {0x11: 4, 0x21: 16}  # by the kind of connection: the length of an address


class MalformedHeader(ValueError):
    """It is not a header of the PROXY protocol. The text says why, without what was sent."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """The header that a connection begins with."""

    size: int  # in bytes
    client: tuple[str, int] | None  # None: the proxy connects for itself, as for a health check


def header_in(data: bytes) -> ProxyHeader | None:
    """The header at the beginning; None if it is not complete. Raises MalformedHeader."""
    if _SIGNATURE.startswith(data[: len(_SIGNATURE)]):
        return _version_2(data)
    if b"PROXY ".startswith(data[:6]):
        return _version_1(data)
    raise MalformedHeader("no PROXY header")


def _version_1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, _LONGEST_V1) + 2
    if end < 2:
        if len(data) >= _LONGEST_V1:
            raise MalformedHeader(f"a PROXY header of more than {_LONGEST_V1} bytes")
        return None
    line = data[:end]
    if _UNKNOWN.fullmatch(line):
        return ProxyHeader(end, None)
    if not (found := _V1.fullmatch(line)):
        raise MalformedHeader("a malformed PROXY header")
    source, target = (ip_of(text.decode("latin-1")) for text in found.group(2, 3))
    port = int(found[4])
    if not (source and target) or max(port, int(found[5])) > 65535:
        raise MalformedHeader("a PROXY header without valid addresses and ports")
    return ProxyHeader(end, (str(source), port))


def _version_2(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED:
        return None
    command, kind = data[12], data[13]
    size = _FIXED + int.from_bytes(data[14:16])
    if command not in (_PROXY, _LOCAL):
        raise MalformedHeader("a PROXY header of an unknown version or command")
    if size > LONGEST:
        raise MalformedHeader(f"a PROXY header of more than {LONGEST} bytes")
    length = _TCP.get(kind)
    if command == _PROXY and length and size < _FIXED + 2 * length + 4:
        raise MalformedHeader("a PROXY header without addresses and ports")
    if len(data) < size:
        return None
    if command == _LOCAL or not length:
        return ProxyHeader(size, None)
    source = ip_of(str(ip_address(data[_FIXED : _FIXED + length])))
    port = int.from_bytes(data[_FIXED + 2 * length :][:2])
    return ProxyHeader(size, (str(source), port))
