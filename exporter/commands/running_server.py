"""A running mailtrip, as other commands talk to it: its API, within limits of time and size."""

import argparse
import base64
import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from exporter import __version__
from exporter.commands.exit_status import CannotStart
from exporter.commands.flags import DEFAULT_URL, URL_VARIABLE
from exporter.core.one_line import one_line
from exporter.core.timing.clock import Clock

API = "/api/v1"
MOST = 10 << 20  # bytes of an answer
LONGEST_PASSWORD = 4096  # bytes of its file
ADDRESSES = "write http://HOST:10925, https://HOST:10925 or unix:/PATH"
CURE = "--url says where it is"
CURE_OF_TRUST = "--ca.file names the CA to trust"
UNKNOWN_ISSUER = range(18, 22)  # numbers of OpenSSL: self-signed, or the CA is not known


class NoAnswer(Exception):
    """mailtrip did not do it, or gave no answer that can be used: one line with the cause."""


class Refused(NoAnswer):
    """There is no mailtrip at this address, or it does not let us in: another way may help."""


@dataclass(frozen=True, slots=True)
class Access:
    """How we show who we are, and know who it is. Files in PEM format."""

    ca_file: str | None = None  # of the authority that signed its certificate; None: the system's
    cert_file: str | None = None  # ours
    key_file: str | None = None  # of ours, if it is not in the same file
    user: str | None = None
    password_file: str | None = None


class RunningServer:
    """The mailtrip at this address, which may contain a login. All requests together may take
    `limit` seconds. If it refuses us, `instead` returns another address, or an empty text. Raises
    CannotStart."""

    def __init__(
        self,
        url: str,
        access: Access = Access(),
        limit: float = 30.0,
        clock: Clock | None = None,
        instead: Callable[[], str] | None = None,
    ) -> None:
        clock = clock or Clock()
        self._instead = instead
        self._socket, self._parts = _parsed(url)
        self.address = self._first = url if self._socket else urlunsplit(self._parts)
        self._limit, self._clock = limit, clock
        self._ends = clock.monotonic() + limit
        self._behind = 0.0  # how far our clock is behind that of the server
        self._headers = {"Accept": "application/json", "User-Agent": f"mailtrip/{__version__}"}
        self._login = _login(url, access)
        if self._login:
            encoded = base64.b64encode(self._login.encode(errors="surrogateescape")).decode()
            self._headers["Authorization"] = f"Basic {encoded}"
        self._tls = _context(access) if self._parts.scheme == "https" else None

    @classmethod
    def of(cls, options: argparse.Namespace) -> Self:
        """The one that the flags, or the environment, name; else that of this machine. Raises
        CannotStart."""
        access = Access(
            options.ca_file,
            options.cert_file,
            options.key_file,
            options.user,
            options.password_file,
        )
        named = options.url or os.environ.get(URL_VARIABLE)
        instead = None if named or options.user else local_address
        return cls(named or DEFAULT_URL, access, options.limit, instead=instead)

    @property
    def now(self) -> float:
        """The time by the clock of the server, seconds since the epoch: ours may be wrong."""
        return self._clock.wall() + self._behind

    @property
    def detour(self) -> str:
        """Which mailtrip has answered, if not the one that was asked first; else empty."""
        if self.address == self._first:
            return ""
        return f"the mailtrip at {self.address} answered, since {self._first} refuses"

    @property
    def says_something_else(self) -> NoAnswer:
        """The error of an answer that no mailtrip gives."""
        return NoAnswer(f"no mailtrip answers at {self.address}: another program does")

    @property
    def _too_late(self) -> NoAnswer:
        within = f"within {self._limit:g} s"
        return NoAnswer(f"no mailtrip answers at {self.address} {within}; {CURE}")

    def request(self, method: str, path: str, fields: Mapping[str, object] | None = None) -> Any:
        """The answer to a request, whose path is below /api/v1. Raises NoAnswer."""
        try:
            return self._request(method, path, fields)
        except Refused:
            if not self._instead or not (other := self._instead()):
                raise
            self._instead = None
            self.address, (self._socket, self._parts) = other, _parsed(other)
            return self._request(method, path, fields)

    def _request(self, method: str, path: str, fields: Mapping[str, object] | None) -> Any:
        """Raises NoAnswer.

        In a thread, since nothing else ends the look-up of a name, or an answer that drips.
        """
        found: list[Any] = []
        connection = self._connection()

        def run() -> None:
            try:
                found.append((self._answer(connection, method, path, fields), None))
            except Exception as error:
                found.append((None, error))

        if (left := self._ends - self._clock.monotonic()) > 0:
            thread = Thread(target=run, daemon=True)
            thread.start()
            thread.join(left)
        if not found:
            with suppress(OSError):
                if connection.sock:
                    connection.sock.shutdown(socket.SHUT_RDWR)  # which ends the thread
            raise self._too_late
        answer, error = found[0]
        if error:
            raise error
        return answer

    def _answer(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        fields: Mapping[str, object] | None,
    ) -> Any:
        body = json.dumps(fields).encode() if fields else None
        kind = {"Content-Type": "application/json"} if fields else {}
        target = quote(f"{self._parts.path}{API}", safe="/%:@!$&'()*+,;=~") + path
        repeatable = True  # an order that may have been carried out is none
        try:
            connection.connect()
            repeatable = method == "GET"
            connection.request(method, target, body, self._headers | kind)
            with connection.getresponse() as response:
                raw = response.read(MOST + 1)
        except TimeoutError:
            raise self._too_late from None
        except (OSError, HTTPException, ValueError) as error:
            text = f"no mailtrip answers at {self.address}: {_words(error)}"
            failure = Refused if repeatable else NoAnswer
            untrusted = getattr(error, "verify_code", 0) in UNKNOWN_ISSUER
            cure = CURE_OF_TRUST if untrusted else CURE
            raise failure(self._shown(f"{text}; {cure}")) from None
        finally:
            connection.close()
        if response.status // 100 != 2:
            self._refuse(response, raw)
        if len(raw) > MOST:
            raise NoAnswer(
                f"no mailtrip answers at {self.address}: it has more than {MOST >> 20} MiB"
            )
        if response.length:
            raise NoAnswer(f"no mailtrip answers at {self.address}: it is incomplete")
        self._set_clock(response)
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            raise Refused(str(self.says_something_else)) from None

    def _connection(self) -> HTTPConnection:
        if self._socket:
            return _UnixConnection(self._socket, self._limit)
        host = str(self._parts.hostname)
        if self._tls:
            return HTTPSConnection(host, self._parts.port, timeout=self._limit, context=self._tls)
        return HTTPConnection(host, self._parts.port, timeout=self._limit)

    def _refuse(self, response: HTTPResponse, raw: bytes) -> NoReturn:
        """Raises NoAnswer, with what mailtrip says, or else with the status."""
        refused = f"refused: {response.status} {response.reason}"
        moved = (response.getheader("Location") or "").partition(API)[0]
        if response.status == 401:
            cure = "is the login right?" if self._login else "it needs --user and --password.file"
            raise Refused(self._shown(f"{refused} at {self.address}: {cure}"))
        if response.status // 100 == 3 and moved:
            raise NoAnswer(self._shown(f"{refused}, moved to {moved}: give this as --url"))
        try:
            text = str(json.loads(raw)["message"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Refused(f"{refused} at {self.address}: is this a mailtrip?") from None
        raise (Refused if response.status == 403 else NoAnswer)(self._shown(text))

    def _set_clock(self, response: HTTPResponse) -> None:
        try:
            moment = parsedate_to_datetime(response.getheader("Date") or "").timestamp()
        except (TypeError, ValueError, OverflowError, OSError):
            return
        self._behind = moment - self._clock.wall()

    def _shown(self, text: str) -> str:
        """What a server says, without our login."""
        if self._login:
            from exporter.net.redaction import Redaction  # which takes a while

            redaction = Redaction()
            redaction.learn(self._login.partition(":")[2])
            redaction.learn_word(self._headers["Authorization"].removeprefix("Basic "))
            text = redaction.clean(text)
        return one_line(text)


def local_address() -> str:
    """The socket of the mailtrip of this machine, if we may use it."""
    from exporter.commands.local_socket import running_here

    path = running_here()
    return f"unix:{path}" if path else ""


class _UnixConnection(HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _parsed(url: str) -> tuple[str, Any]:
    """The path of a socket, or an empty text, and the parts of the address, without a login. Raises
    CannotStart."""
    scheme, _, rest = url.partition(":")
    if scheme == "unix":
        path, _, prefix = rest.removeprefix("//").partition(":")
        if path.strip("/"):
            return path, urlsplit(f"http://localhost{prefix.rstrip('/')}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # raises ValueError if it is no number
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise CannotStart(f"--url is not the address of a mailtrip: {ADDRESSES}")
    netloc = parts.netloc.rpartition("@")[2]
    path = parts.path.rstrip("/")
    return "", parts._replace(netloc=netloc, path=path, query="", fragment="")


def _login(url: str, access: Access) -> str:
    """USER:PASSWORD, or an empty text if there is none. Raises CannotStart."""
    parts = None if url.startswith("unix:") else urlsplit(url)
    user = access.user or unquote((parts and parts.username) or "")
    if access.password_file:
        if not user:
            raise CannotStart("--password.file needs --user")
        return f"{user}:{_password(access.password_file)}"
    if access.user and not (parts and parts.password):
        raise CannotStart(f"--user needs --password.file, or a password in ${URL_VARIABLE}")
    return f"{user}:{unquote((parts and parts.password) or '')}" if user else ""


def _password(file: str) -> str:
    """The first line of a file. Raises CannotStart."""
    try:
        with Path(file).open("rb") as opened:
            raw = opened.read(LONGEST_PASSWORD)
    except OSError as error:
        raise CannotStart(f"cannot read {one_line(file)}: {error.strerror}") from None
    first = raw.partition(b"\n")[0].removesuffix(b"\r")
    if not first:
        raise CannotStart(f"the first line of {one_line(file)} is empty: it must be a password")
    return first.decode(errors="surrogateescape")


def _context(access: Access) -> Any:
    import ssl  # which takes a while

    named = access.ca_file
    try:
        context = ssl.create_default_context(cafile=named)
        if named := access.cert_file:
            context.load_cert_chain(named, access.key_file, password=_no_passphrase)
    except ssl.SSLError as error:
        why = (error.reason or str(error)).lower().replace("_", " ")
        raise CannotStart(f"cannot use {one_line(named or '')}: {why}") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise CannotStart(f"cannot use {one_line(named or '')}: {why}") from None
    return context


def _words(error: Exception) -> str:
    """An error for people, without numbers of OpenSSL."""
    if words := getattr(error, "verify_message", None):
        return str(words)
    if isinstance(reason := getattr(error, "reason", None), str) and hasattr(error, "library"):
        words = reason.lower().replace("_", " ")
        return "it speaks no TLS" if words == "wrong version number" else f"TLS: {words}"
    return str(getattr(error, "strerror", None) or error or "it hung up")


def _no_passphrase() -> str:
    """Instead of the question in a terminal."""
    raise ValueError("its key has a passphrase")
