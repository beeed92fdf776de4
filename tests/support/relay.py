"""A TCP relay in front of a server: it counts the connections, and it can be cut.

It runs in threads, so that no task of it is in the event loop where tests look for tasks that were
left behind.
"""

import socket
import threading
from contextlib import suppress

Pair = tuple[socket.socket, socket.socket]
ESTABLISHED = 1  # the first octet of struct tcp_info


class Wire:
    """Listens on a port of 127.0.0.1 until it is closed."""

    def __init__(self, host: str, port: int) -> None:
        self.total = 0  # connections so far
        self.most = 0  # connections at one time
        self._server = host, port
        self._lock = threading.Lock()
        self._pairs: set[Pair] = set()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._pairs)

    def cut(self) -> None:
        """Drops all connections, without a word; from now on new ones are refused."""
        self.close()

    def mend(self) -> None:
        """Takes connections again."""
        self._listener = self._listen(self.port)

    def close(self) -> None:
        with suppress(OSError):  # it is cut already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in list(self._pairs):
            self._part(pair)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            pair = client, socket.create_connection(self._server)
            with self._lock:
                self._pairs.add(pair)
                self.total += 1
                self.most = max(self.most, sum(map(_is_open, self._pairs)))
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._pump, args=[pair, source, sink], daemon=True).start()

    def _pump(self, pair: Pair, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        self._part(pair)

    def _part(self, pair: Pair) -> None:
        """Ends a connection on both sides; the shutdown ends what the threads wait for."""
        with self._lock:
            if pair in self._pairs:
                for one in pair:
                    with suppress(OSError):  # the other side was quicker
                        one.shutdown(socket.SHUT_RDWR)
                    one.close()
                self._pairs.remove(pair)


def _is_open(pair: Pair) -> bool:
    """The client has not ended it: the kernel knows that before the thread that carries its octets
    does."""
    return pair[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED
