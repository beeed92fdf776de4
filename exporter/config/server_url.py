"""The URL of a server or a mailbox on the command line, such as smtp://user@relay.example.org:587,
and the options that it stands for.

It never holds a password: other users can see a command line. Messages never repeat the text, which
may hold one.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self, cast
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from exporter.config.choice import Choice
from exporter.config.confusables import lookalike_in
from exporter.config.grammar import ip_of
from exporter.config.mistakes import suggestion
from exporter.config.proxy import bracketed
from exporter.config.url_login import has_password
from exporter.core.one_line import one_line

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """The parts of a URL. Those that are missing are empty, or None."""

    scheme: str
    user: str = ""
    host: str = ""
    port: int | None = None
    path: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    """More options, as in a configuration: `?ca_file=/etc/ca.pem&tls=starttls`."""

    @classmethod
    def parse(cls, text: str, schemes: Collection[str]) -> Self:
        """Raises ValueError with the cure. `schemes` are those that its error names."""
        if has_password(text):
            raise ValueError("write it without the password, which is asked for separately")
        if odd := lookalike_in(text):
            raise ValueError(f"contains {odd}: type it again")
        if not unquote(text).isprintable():
            raise ValueError("contains a control character: type it again")
        scheme, colon, rest = text.partition(":")
        bare = rest and not rest.startswith(("/", "?"))
        if bare and scheme.lower() in schemes:
            raise ValueError(f"after {scheme}: there must be //, and the host or the whole path")
        if not colon or not _SCHEME.fullmatch(scheme) or bare:
            raise ValueError(
                "not a URL; write SCHEME://USER@HOST, with one of these schemes:"
                f" {', '.join(schemes)}"
            )
        try:
            parts = urlsplit(f"x:{rest}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError("the host or the port in the URL is not valid") from None
        if port == 0:
            raise ValueError("the port in the URL must be between 1 and 65535")
        if parts.fragment or text.endswith("#"):
            raise ValueError("contains a #: write it as %23 if it belongs to a name")
        user, path = unquote(parts.username or ""), unquote(parts.path)
        return cls(scheme.lower(), user, host, port, path, _options_in(parts.query))

    @property
    def start(self) -> str:
        """The scheme as a URL begins."""
        return f"{self.scheme}://"

    @property
    def shown(self) -> str:
        """The server and its user, for people."""
        port = f":{self.port}" if self.port else ""
        user = f"{self.user}@" if self.user else ""
        return one_line(f"{self.start}{user}{bracketed(self.host)}{port}")

    def without(self, *parts: str) -> None:
        """Raises ValueError if it has one of these parts."""
        if found := [part for part in parts if getattr(self, part)]:
            given = one_line(self.path, 60) if found[0] == "path" else f"the {found[0]}"
            raise ValueError(f"{self.scheme} has no {found[0]}: remove {given}")

    def expect_host(self) -> None:
        """Raises ValueError if the host is missing."""
        if not self.host:
            raise ValueError(f"the host is missing; write {self.start}HOST")

    def expect_path(self) -> None:
        """Raises ValueError if it does not name a file or a directory by its whole path."""
        self.without("user", "port")
        if self.host or not self.path.startswith("/"):
            raise ValueError(f"write the whole path, such as {self.start}/PATH, with three slashes")


def _options_in(query: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in found:
            raise ValueError(f"{one_line(name, 60)} is given twice")
        word: object = int(value) if re.fullmatch("[0-9]{1,9}", value) else value
        found[name] = {"true": True, "false": False}.get(value, word)
    return found


class KindWithUrls(Protocol):
    """The options of a kind of sender or mailbox that a URL may stand for. Others need a
    configuration."""

    schemes: ClassVar[tuple[str, ...]]
    """The schemes of its URLs."""

    url_place: ClassVar[str]
    """What follows `SCHEME://` in them, for people: a host or a path. Empty if `SCHEME:` is all."""

    @classmethod
    def of_url(cls, url: ServerUrl, secret: Mapping[str, str]) -> dict[str, Any]:
        """The options as in a configuration. `secret` is where a password is kept, if it needs one:
        `{env: NAME}` or `{file: PATH}`. Raises ValueError with the cure."""


def schemes_of(choice: type[Choice]) -> dict[str, tuple[str, type[KindWithUrls]]]:
    """The key and the options of each alternative, by the schemes of its URLs."""
    return {
        scheme: (name, cast("type[KindWithUrls]", options))
        for name, options in choice.kinds().items()
        for scheme in getattr(options, "schemes", ())
    }


def other_urls(choice: type[Choice], start: str) -> list[str]:
    """How the URLs look that do not begin with `start`, in words; without those in plain text, if
    there is the same with TLS."""
    known = schemes_of(choice)
    return [
        f"{scheme}://{kind.url_place}" if kind.url_place else f"{scheme}:"
        for scheme, (_, kind) in known.items()
        if f"{scheme}s" not in known and not start.startswith(f"{scheme}:")
    ]


def written(choice: type[Choice], text: str, secret: Mapping[str, str]) -> dict[str, Any]:
    """The choice that a URL stands for, as in a configuration: `{smtp: {…}}`. Raises ValueError
    with the cure."""
    known = schemes_of(choice)
    url = ServerUrl.parse(text, known)
    if url.scheme not in known:
        raise ValueError(f"unknown scheme {one_line(url.start, 60)}{suggestion(url.scheme, known)}")
    name, kind = known[url.scheme]
    options = kind.of_url(url, secret)
    if twice := options.keys() & url.options.keys():
        raise ValueError(f"{min(twice)} is in the URL already: remove ?{min(twice)}=")
    return {name: {**options, **url.options}}


def completed(choice: type[Choice], text: str, start: str) -> str:
    """The URL that a host, perhaps with a port, stands for: it begins as the port says, or else
    with `start`. A URL is returned unchanged."""
    known = schemes_of(choice)
    scheme, colon, rest = text.partition(":")
    if "://" in text or (colon and scheme.lower() in known and rest[:1] in ("", "/", "?")):
        return text
    if address := ip_of(text):
        return f"{start}{bracketed(str(address))}"
    port = text.rpartition(":")[2]
    usual = (name for name, (_, kind) in known.items() if port in _usual_ports(name, kind))
    scheme = next(usual, "")
    return f"{scheme}://{text}" if scheme else f"{start}{text}"


def _usual_ports(scheme: str, kind: Any) -> list[str]:
    if not kind.ports:
        return []
    ports = (kind.ports.implicit,) if scheme.endswith("s") else kind.ports.clear
    return [*map(str, ports)]


def with_user(url: str, user: str) -> str:
    """The URL of a server with its user."""
    start, slashes, rest = url.partition("://")
    return f"{start}{slashes}{quote(user, safe='@')}@{rest}"


def without_user(url: str) -> str:
    """The URL without its user."""
    return re.sub("(?<=://)[^/?]*@", "", url, count=1)
