"""The proxy of a mail server: `socks5://user:password@host:port` or `http://…`."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from exporter.config.address import check_host
from exporter.config.placeholders import FILE_OR_ENV, HIDDEN, is_template
from exporter.config.types import Secret, SecretUnavailable

LONGEST_WORD = 255  # bytes of a user name or a password (RFC 1929 section 2)
_FORM = (
    "write socks5://HOST:PORT or http://HOST:PORT, with USER:PASSWORD@ before the host if it"
    " requires a login"
)
_SCHEMES = {"socks5": "socks5", "socks5h": "socks5", "http": "http"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, which connects to a server for us. Its text has no password."""

    scheme: Literal["socks5", "http"]
    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{bracketed(self.host)}:{self.port}"

    @property
    def basic(self) -> str:
        """The credentials of the scheme Basic (RFC 7617); empty if there are none."""
        words = f"{self.username}:{self.password}" if self.username else ""
        return b64encode(words.encode()).decode()


def bracketed(host: str) -> str:
    """The host as in a URL."""
    return f"[{host}]" if ":" in host else host


def proxy_in(text: str) -> Proxy:
    """Parses a URL. Raises ValueError with the cure, which does not repeat it."""
    if is_template(text):
        raise ValueError(f"looks like a variable, and variables are not expanded: {FILE_OR_ENV}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"not a proxy; {_FORM}") from None
    if parts.scheme in ("https", "socks4", "socks4a"):
        raise ValueError(f"a proxy of the kind {parts.scheme} is not supported; {_FORM}")
    extra = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in _SCHEMES or not host or not text.isprintable() or extra:
        raise ValueError(f"not a proxy; {_FORM}")
    if not port:
        raise ValueError(f"the port is missing; {_FORM}")
    try:
        check_host(host)
    except ValueError:
        raise ValueError(
            f"not a proxy: its host is neither a name nor an address; {_FORM}"
        ) from None
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    _check_login(username, password)
    scheme: Literal["socks5", "http"] = "http" if parts.scheme == "http" else "socks5"
    return Proxy(scheme, host, port, username, password)


def _check_login(username: str, password: str) -> None:
    if bool(username) is not bool(password):
        raise ValueError("its login needs a user name and a password: USER:PASSWORD@")
    if max(len(username.encode()), len(password.encode())) > LONGEST_WORD:
        raise ValueError(
            f"its user name or password is longer than {LONGEST_WORD} bytes (RFC 1929)"
        )
    if ":" in username or not f"{username}{password}".isprintable():
        raise ValueError("its user name or password contains a character that no proxy accepts")
    if password == HIDDEN:
        raise ValueError("its password is the text that mailtrip's pages show instead of a secret")


class ProxyUrl(Secret):
    """The URL of a proxy, which may hold a password: a literal, `{file: PATH}` or `{env: NAME}`."""

    __slots__ = ()

    def proxy(self) -> Proxy:
        """Raises SecretUnavailable, also if it is no URL of a proxy."""
        try:
            return proxy_in(self.reveal().strip())
        except ValueError as error:
            raise SecretUnavailable(f"the proxy in {self.origin} cannot be used: {error}") from None

    def __repr__(self) -> str:
        """Without its password; a file or variable is not read."""
        if self._literal is None:
            return HIDDEN
        found = proxy_in(self._literal)
        login = f"{found.username}:{HIDDEN}@" if found.username else ""
        return str(found).replace("://", f"://{login}", 1)

    __str__ = __repr__

    @classmethod
    def _parse(cls, value: Any) -> Secret:
        if isinstance(value, str):
            proxy_in(value)
            return cls(value)
        if isinstance(value, dict | cls):
            return super()._parse(value)
        raise ValueError(f"not a proxy; {_FORM}")

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {**super().__get_pydantic_json_schema__(schema, handler), "title": "proxy"}
