"""Logging in by SASL (RFC 4422), whatever protocol carries it: the order of the words, and
mechanisms for passwords."""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Protocol

from exporter.core.model import ProbeError, one_line
from exporter.core.reasons import Reason
from exporter.net.redaction import Redaction

MOST_CHALLENGES = 5  # of one login; SCRAM has two
CANCEL = "*"  # RFC 4954 section 4, RFC 3501 section 6.2.2, RFC 5034 section 4
_ASKS_FOR_PASSWORD = re.compile(r"pass|pwd|kennwort|contrase|mot de|secret|\bpin\b", re.IGNORECASE)
_ASKS_FOR_NAME = re.compile(r"user|name|login|account|mailbox|e-?mail|\bid\b", re.IGNORECASE)


class NoLoginSent(Exception):
    """The cause of a ProbeError `auth` that no account can be locked for."""


class Mechanism(Protocol):
    """One try to log in."""

    name: str
    """As it stands in the protocol."""

    secrets: tuple[str, ...]
    """What must not be shown."""

    def initial_response(self) -> bytes | None:
        """What the client says first; None where the server has to ask."""

    async def answer(self, challenge: bytes) -> bytes | None:
        """What it says to a challenge; None cancels the login. Raises ProbeError."""

    def succeeded(self) -> None:
        """The server reports success. Raises ProbeError if it has not proved who it is."""

    @property
    def words(self) -> str:
        """What the server has said in challenges of its refusal."""


class Conversation:
    """The words of one login in base64, in their order. Nothing secret that is said can be repeated
    by the server."""

    def __init__(
        self, mechanism: Mechanism, server: str, redaction: Redaction, note: Callable[[str], None]
    ) -> None:
        redaction.learn(*mechanism.secrets)
        self._mechanism = mechanism
        self._server = server
        self._redaction = redaction
        self._note = note
        self._first = mechanism.initial_response()
        # The first word is to be said when the server asks for it.
        self.held = self._first is not None
        self.challenges = 0  # that were answered

    def initial_response(self, most: int) -> str:
        """The first word, to go with the command, if it has at most so many characters; else it is
        empty."""
        word = self._encoded(self._first) if self._first is not None else ""
        if len(word) > most:
            return ""
        self.held = False
        return word

    def initial_response_refused(self) -> None:
        """The server takes no word with the command (RFC 4954 section 4: 501), so it has
        not been checked."""
        self.held = self._first is not None

    async def answer(self, challenge: str) -> str:
        """What is said to a challenge. Raises ProbeError."""
        self.challenges += 1
        if self.challenges > MOST_CHALLENGES:
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self._server} sent more than {MOST_CHALLENGES} challenges in one login",
            )
        # An empty challenge after the first word has gone with the command: the server has passed
        # it over.
        if self._first is not None and (
            self.held or (self.challenges == 1 and not challenge.strip(" ="))
        ):
            self.held = False
            return self._encoded(self._first)
        said = await self._mechanism.answer(self._decoded(challenge))
        self._redaction.learn(*self._mechanism.secrets)
        if words := self._redaction.clean(self._mechanism.words):
            self._note(f"-- {words}")
        return CANCEL if said is None else self._encoded(said)

    @property
    def words(self) -> str:
        """What the server has said in challenges of its refusal."""
        return self._redaction.clean(self._mechanism.words)

    def succeeded(self) -> None:
        """The server reports success. Raises ProbeError if it has not proved who it is."""
        self._mechanism.succeeded()
        self._redaction.logged_in()

    def _encoded(self, word: bytes) -> str:
        encoded = b64encode(word).decode()
        if len(word) > 1:
            self._redaction.learn_word(encoded)
        return encoded

    def _decoded(self, challenge: str) -> bytes:
        try:
            decoded = b64decode(challenge.strip(), validate=True)
        except ValueError:
            if not isinstance(self._mechanism, Login):
                raise ProbeError(
                    Reason.PROTOCOL, f"{self._server} sent a challenge that is not base64"
                ) from None
            return challenge.encode(errors="replace")  # some ask in plain text
        # "Username" is base64, too.
        in_the_clear = isinstance(self._mechanism, Login) and not decoded.isascii()
        return challenge.encode(errors="replace") if in_the_clear else decoded


class Plain:
    """PLAIN (RFC 4616). A challenge is not part of it, and ends it."""

    name = "PLAIN"
    words = ""

    def __init__(self, user: str, password: str) -> None:
        self.secrets: tuple[str, ...] = (password,)
        self._word = f"\0{user}\0{password}"

    def initial_response(self) -> bytes:
        return as_it_is(self._word)

    async def answer(self, challenge: bytes) -> None:
        return None

    def succeeded(self) -> None:
        pass


class Login:
    """LOGIN (draft-murchison-sasl-login): the server asks for the name, and then for the password.

    Servers differ in what they ask with ("Username:", "User Name", nothing), and in whether they
    take the name with the command; many that do not ask for it again, and would be told the
    password in its place. So it waits to be asked.
    """

    name = "LOGIN"
    words = ""

    def __init__(self, user: str, password: str, server: str) -> None:
        self.secrets: tuple[str, ...] = (password,)
        self._user, self._password, self._server = user, password, server
        self._asked = 0

    def initial_response(self) -> None:
        return None

    async def answer(self, challenge: bytes) -> bytes | None:
        self._asked += 1
        words = challenge.decode("utf-8", "replace").replace("\0", " ")
        for_password = bool(_ASKS_FOR_PASSWORD.search(words))
        for_name = bool(_ASKS_FOR_NAME.search(words)) and not for_password
        if self._asked > 2 or (for_password if self._asked == 1 else for_name):
            turn = {1: "instead of the user name", 2: "instead of the password"}.get(
                self._asked, "after the password"
            )
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self._server} asks for {one_line(words, 40)!r} {turn} (AUTH LOGIN)",
            )
        return as_it_is(self._user if self._asked == 1 else self._password)

    def succeeded(self) -> None:
        pass


class CramMd5:
    """CRAM-MD5 (RFC 2195): the password stays here."""

    name = "CRAM-MD5"
    words = ""

    def __init__(self, user: str, password: str, server: str) -> None:
        self.secrets: tuple[str, ...] = (password,)
        self._user, self._password, self._server = user, password, server

    def initial_response(self) -> None:
        return None

    async def answer(self, challenge: bytes) -> bytes:
        if not challenge.strip():  # a digest of nothing is as good as the password
            raise ProbeError(Reason.PROTOCOL, f"{self._server} sent an empty CRAM-MD5 challenge")
        digest = hmac.new(as_it_is(self._password), challenge, "md5").hexdigest()
        self.secrets = (self._password, digest)
        return as_it_is(f"{self._user} {digest}")

    def succeeded(self) -> None:
        pass


def as_it_is(text: str) -> bytes:
    """UTF-8; an environment variable that is none goes out as it is."""
    return text.encode("utf-8", "surrogateescape")


def refused(error: ProbeError, words: str) -> ProbeError:
    """The server's refusal with what its challenge had to say."""
    return (
        ProbeError(error.reason, f"{error.detail} ({words})", code=error.code) if words else error
    )
