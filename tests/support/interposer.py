"""Stands between a client and a server, passes on what they say, and can swallow everything from
one word on."""

import contextlib
import socket
import threading
from collections.abc import Callable

LONGEST_WORD = 64


class Interposer:
    """Runs from the constructor to `close`, in threads of its own: tests start processes, which
    block."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.held = threading.Event()  # a word was swallowed
        self.said = bytearray()  # by clients, and passed on
        self._server = server
        self._word: bytes | None = None
        self._sockets: list[socket.socket] = [socket.create_server(("127.0.0.1", 0))]
        self._threads: list[threading.Thread] = []
        self.port: int = self._sockets[0].getsockname()[1]
        self._run(self._accept, self._sockets[0])

    def hold(self, word: bytes) -> None:
        """Whoever says this is not heard from then on, and nothing that came with it. The
        connection stays open."""
        assert len(word) <= LONGEST_WORD
        self._word = word
        self.held.clear()

    def let_go(self) -> None:
        """New connections are passed on whole. Those that were held stay so."""
        self._word = None

    def close(self) -> None:
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(self._server)
                self._sockets += [client, server]
                self._run(self._pass_on, client, server, self.said)
                self._run(self._pass_on, server, client, bytearray())

    def _run(self, target: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self._threads[-1].start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, said: bytearray) -> None:
        """Until one of them goes: then the other is told."""
        holding, tail = False, b""
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                tail = (tail + chunk)[-len(chunk) - LONGEST_WORD :]
                holding = holding or (self._word is not None and self._word in tail)
                if holding:
                    self.held.set()
                else:
                    said += chunk
                    sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
