"""A server of a few words that notes everything that it hears, and who it was that came."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endless:
    """Words that are said again and again until the client goes, after others that are said
    once."""

    words: str
    first: str = ""
    pause: float = 0.0  # seconds in between


class Listener:
    """Answers each line by its first word, or its second, as in IMAP. Runs from the constructor to
    `close`.

    `{tag}` in an answer is the first word of the line. With `tls`, a handshake follows the answer
    to STARTTLS or STLS.
    """

    def __init__(
        self,
        greeting: str | Endless = "220 hello",
        answers: Mapping[str, str | Endless] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        at_once: bool = False,
        default: str = "250 ok",
    ) -> None:
        self.heard = bytearray()
        self.visits = 0
        self.said = 0  # bytes; the system takes some million of them ahead of the client
        self._greeting, self._answers, self._default = greeting, dict(answers or {}), default
        self._tls, self._at_once = tls, at_once
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._clients: list[socket.socket] = []
        self._threads[0].start()

    def close(self) -> None:
        end = time.monotonic() + 10
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < end:
                self._cut()  # once more: a client may have come, or begun with TLS, meanwhile
                thread.join(0.02)
        self._cut()  # a thread that has ended by itself may have begun with TLS before

    def _cut(self) -> None:
        for one in (self._server, *self._clients):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._server.accept()
                self.visits += 1
                self._clients.append(client)
                self._threads.append(
                    threading.Thread(target=self._serve, args=(client,), daemon=True)
                )
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self._at_once:
                client = stack.enter_context(self._tls_handshake(client))
            self._say(client, self._greeting)
            rest = b""
            while chunk := client.recv(65536):
                self.heard += chunk
                *lines, rest = (rest + chunk).split(b"\r\n")
                for line in lines:
                    words = line.decode("latin-1").upper().split() or [""]
                    answer = self._answer(words)
                    tag = line.decode("latin-1").split(" ")[0]
                    self._say(
                        client,
                        answer if isinstance(answer, Endless) else answer.replace("{tag}", tag),
                    )
                    if self._tls and {"STARTTLS", "STLS"} & set(words[:2]):
                        client, rest = stack.enter_context(self._tls_handshake(client)), b""

    def _tls_handshake(self, client: socket.socket) -> ssl.SSLSocket:
        assert self._tls
        secure = self._tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        self._clients.append(secure)
        secure.do_handshake()
        return secure

    def _answer(self, words: list[str]) -> str | Endless:
        return next(
            (self._answers[word] for word in words[:2] if word in self._answers), self._default
        )

    def _say(self, client: socket.socket, text: str | Endless) -> None:
        if isinstance(text, Endless):
            client.sendall(text.first.encode("latin-1"))
            words = text.words.encode("latin-1")
            while True:
                client.sendall(words)
                self.said += len(words)
                time.sleep(text.pause)
        if text:
            client.sendall(text.encode("latin-1") + b"\r\n")
