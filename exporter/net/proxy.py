"""Connections through a proxy: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT (RFC 9110 section 9.3.6).

It is our own, since libraries for it resolve names, choose addresses and limit times by themselves,
and read on after the proxy's answer, where the greeting of the server may follow. The proxy
resolves the name of the server. Texts of a proxy are not shown: it may repeat the password.
"""

import asyncio
import re
import socket
from contextlib import AbstractContextManager
from http import HTTPStatus
from ipaddress import IPv4Address

from exporter.config.grammar import domain_of, ip_of
from exporter.config.proxy import Proxy, ProxyUrl, bracketed
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.trace import Trace
from exporter.net.exceptions import map_exceptions, map_secrets

LONGEST_ANSWER = 16 << 10  # bytes of the header of an HTTP proxy
_VERSION = 5
_NO_LOGIN, _PASSWORD, _NONE_ACCEPTED = 0, 2, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
_REFUSALS = {
    1: "it cannot connect to {server}",
    2: "its rules do not allow a connection to {server}",
    3: "it cannot connect to {server}: network unreachable",
    4: "it cannot connect to {server}: host unreachable, or its name is unknown",
    5: "it cannot connect to {server}: connection refused",
    6: "it cannot connect to {server}: TTL expired",
    7: "it does not make connections (CONNECT)",
    8: "it does not know this kind of address: {server}",
}
"""By the replies of RFC 1928 section 6."""

_HTTP = b"HTTP/"
_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)[ \r\n]")
# tinyproxy answers 401 to a wrong password.
_LOGIN = frozenset({HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, HTTPStatus.UNAUTHORIZED})
_FORBIDDEN = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED})


def proxy_of(url: ProxyUrl | None, trace: Trace) -> Proxy | None:
    """The proxy, if there is one. Raises ProbeError (connect) if its URL cannot be read."""
    if url is None:
        return None
    with trace.failing_step(Step.CONNECT), map_secrets(Reason.CONNECT):
        return url.proxy()


async def open_tunnel(connected: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Has the proxy at the other end of the socket connect to that server. Raises ProbeError
    (connect, disconnected, protocol) without closing the socket."""
    tunnel = _Tunnel(connected, proxy, f"{bracketed(host)}:{port}")
    with tunnel.errors():
        if proxy.scheme == "http":
            await tunnel.open_by_http()
        else:
            await tunnel.open_by_socks(host, port)


class _Tunnel:
    def __init__(self, connected: socket.socket, proxy: Proxy, server: str) -> None:
        self._socket = connected
        self._proxy = proxy
        self._server = server
        self._loop = asyncio.get_running_loop()

    def errors(self) -> AbstractContextManager[None]:
        return map_exceptions(
            {OSError: lambda _: self._error(Reason.DISCONNECTED, "it cut the connection")}
        )

    def _error(self, reason: Reason, words: str) -> ProbeError:
        return ProbeError(reason, f"the proxy {self._proxy}: {words}")

    def _refused(self, words: str) -> ProbeError:
        return self._error(Reason.CONNECT, words.format(server=self._server))

    async def _send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def _receive(self, size: int) -> bytes:
        """Exactly so many bytes: what follows is the server's."""
        data = b""
        while len(data) < size:
            more = await self._loop.sock_recv(self._socket, size - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data

    # SOCKS5

    async def open_by_socks(self, host: str, port: int) -> None:
        methods = [_NO_LOGIN, _PASSWORD] if self._proxy.username else [_NO_LOGIN]
        await self._send(bytes([_VERSION, len(methods), *methods]))
        version, method = await self._receive(2)
        if version != _VERSION:
            hint = ": it speaks HTTP, so write http://" if (version, method) == (72, 84) else ""
            raise self._error(Reason.PROTOCOL, f"it does not speak SOCKS5{hint}")
        if method == _PASSWORD and self._proxy.username:
            await self._log_in()
        elif method == _NONE_ACCEPTED:
            wanted = "another login" if self._proxy.username else "a login: write USER:PASSWORD@"
            raise self._refused(f"it requires {wanted}")
        elif method != _NO_LOGIN:
            raise self._error(Reason.PROTOCOL, "it chose a login that was not offered")
        await self._send(bytes([_VERSION, 1, 0, *_address(host), *port.to_bytes(2)]))
        version, reply, _, kind = await self._receive(4)
        if version != _VERSION:
            raise self._error(Reason.PROTOCOL, "it does not speak SOCKS5")
        if reply:
            words = _REFUSALS.get(reply, f"it refuses the connection to {{server}} ({reply})")
            raise self._refused(words)
        length = {_IPV4: 4, _IPV6: 16}.get(kind) or (await self._receive(1))[0]
        await self._receive(length + 2)  # from where it has connected

    async def _log_in(self) -> None:
        """RFC 1929."""
        words = [word.encode() for word in (self._proxy.username, self._proxy.password)]
        await self._send(b"\1" + b"".join(bytes([len(word)]) + word for word in words))
        if (await self._receive(2))[1]:
            raise self._refused("it refuses the user name or the password")

    # HTTP

    async def open_by_http(self) -> None:
        lines = [f"CONNECT {self._server} HTTP/1.1", f"Host: {self._server}"]
        if basic := self._proxy.basic:
            lines.append(f"Proxy-Authorization: Basic {basic}")
        await self._send("\r\n".join([*lines, "", ""]).encode("ascii"))
        answer = await self._header()
        if not (found := _STATUS.match(answer)):
            hint = ": it speaks SOCKS5, so write socks5://" if answer[:1] == b"\5" else ""
            raise self._error(Reason.PROTOCOL, f"it does not speak HTTP{hint}")
        status = int(found[1])
        if 200 <= status < 300:
            return
        if status in _LOGIN:
            words = (
                "it refuses the user name or the password"
                if self._proxy.username
                else "it requires a login: write USER:PASSWORD@"
            )
            raise self._refused(f"{words} ({status})")
        if status in _FORBIDDEN:
            raise self._refused(f"its rules do not allow a connection to {{server}} ({status})")
        known = status in [one.value for one in HTTPStatus]
        phrase = f"{status} {HTTPStatus(status).phrase}" if known else str(status)
        raise self._refused(f"it cannot connect to {{server}}: {phrase}")

    async def _header(self) -> bytes:
        """The header of the answer, or what came instead. What follows it stays in the socket."""
        header = b""
        while _HTTP.startswith(header[: len(_HTTP)]):
            if len(header) > LONGEST_ANSWER:
                raise self._error(Reason.PROTOCOL, "the header of its answer does not end")
            header += await self._receive(1)
            header += self._rest_of(header)
            if _END.search(header):
                break
        return header

    def _rest_of(self, header: bytes) -> bytes:
        """What has arrived of it by now."""
        try:
            arrived = self._socket.recv(LONGEST_ANSWER, socket.MSG_PEEK)
        except BlockingIOError:
            return b""
        end = _END.search(header + arrived)
        size = end.end() - len(header) if end else len(arrived)
        return self._socket.recv(size) if size else b""


def _address(host: str) -> bytes:
    """The server in a request (RFC 1928 section 5): its name, or its address."""
    if address := ip_of(host):
        kind = _IPV4 if isinstance(address, IPv4Address) else _IPV6
        return bytes([kind, *address.packed])
    name = (domain_of(host) or host).encode("ascii")
    return bytes([_NAME, len(name), *name])
