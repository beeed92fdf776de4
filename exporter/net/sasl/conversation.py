"""SASL logins (RFC 4422) for all protocols: the exchange, and mechanisms for passwords."""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Protocol

from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.net.redaction import Redaction

MOST_CHALLENGES = 5  # of one login; SCRAM has two
CANCEL = "*"  # RFC 4954 section 4, RFC 3501 section 6.2.2, RFC 5034 section 4
_ASKS_FOR_PASSWORD = re.compile(r"pass|pwd|kennwort|contrase|mot de|secret|\bpin\b", re.IGNORECASE)
_ASKS_FOR_NAME = re.compile(r"user|name|login|account|mailbox|e-?mail|\bid\b", re.IGNORECASE)


class NoLoginSent(Exception):
    """The cause of a ProbeError `auth` that cannot lock an account."""


class Mechanism(Protocol):
    """One login attempt."""

    name: str
    """As it stands in the protocol."""

    secrets: tuple[str, ...]
    """What must not be shown."""

    def initial_response(self) -> bytes | None:
        """The client's initial response; None if the server sends first."""

    async def answer(self, challenge: bytes) -> bytes | None:
        """The response to a challenge; None cancels the login. Raises ProbeError."""

    def succeeded(self) -> None:
        """The server reports success. Raises ProbeError if it has not proved who it is."""

    @property
    def words(self) -> str:
        """What the server has said in challenges of its refusal."""


class Conversation:
    """The base64 exchange of one login. Registers every secret sent for redaction."""

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
        """The initial response for the command, if it has at most so many characters; otherwise
        empty. A response without text is an equals sign (RFC 4954 section 4, RFC 4959)."""
        word = (self._encoded(self._first) or "=") if self._first is not None else ""
        if len(word) > most:
            return ""
        self.held = False
        return word

    def initial_response_refused(self) -> None:
        """Notes that the server refused the initial response unchecked (RFC 4954 section 4:
        501)."""
        self.held = self._first is not None

    async def answer(self, challenge: str) -> str:
        """The response to a challenge. Raises ProbeError."""
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
    """PLAIN (RFC 4616). It has no challenges; one cancels the login."""

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
    """LOGIN (draft-murchison-sasl-login): the server requests the username, then the password.

    Servers differ in their prompts ("Username:", "User Name", none), and in whether they accept the
    username with the command; many that do not ask for it again, and would get the password
    instead. So it waits for the prompt.
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
    """CRAM-MD5 (RFC 2195): the password is not sent."""

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


class External:
    """EXTERNAL (RFC 4422 appendix A): the login is our certificate, `presented` (for people). An
    empty `user` is the one to whom it belongs."""

    name = "EXTERNAL"
    secrets: tuple[str, ...] = ()

    def __init__(self, user: str, presented: str) -> None:
        self._user = user
        self.words = f"client certificate: {presented}"

    def initial_response(self) -> bytes:
        return as_it_is(self._user)

    async def answer(self, challenge: bytes) -> None:
        return None

    def succeeded(self) -> None:
        pass


def as_it_is(text: str) -> bytes:
    """The text in UTF-8; invalid bytes of an environment variable are unchanged."""
    return text.encode("utf-8", "surrogateescape")


def refused(error: ProbeError, words: str) -> ProbeError:
    """The server's refusal with the text of its challenge."""
    return (
        ProbeError(error.reason, f"{error.detail} ({words})", code=error.code) if words else error
    )
