"""The options of every client of a mail server: address, TLS, login."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, WithJsonSchema

from exporter.config.address import Host, IpAddress, IpFamily
from exporter.config.oauth2 import OAuth2Options
from exporter.config.proxy import ProxyUrl
from exporter.config.server_url import ServerUrl
from exporter.config.types import OneWord, Options, ReadFile, Secret
from exporter.core.reasons import OF_A_CONVERSATION, Reason
from exporter.core.steps import Step

TlsMode = Literal["none", "starttls", "implicit"]
TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
Port = Annotated[int, Field(ge=1, le=65535)]


ForPassword = Literal[
    "scram-sha-256-plus",
    "scram-sha-512-plus",
    "scram-sha-1-plus",
    "scram-sha-256",
    "scram-sha-512",
    "scram-sha-1",
    "cram-md5",
]
"""The SASL mechanisms that do not send the password."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a protocol (IANA registry; RFC 8314 section 7)."""

    protocol: str
    implicit: int | None = None
    """Where TLS begins at once."""

    starttls: int | None = None
    """Where servers begin in plain text, and clients ask for TLS."""

    others: tuple[int, ...] = ()
    """More where servers begin in plain text."""

    @property
    def clear(self) -> tuple[int, ...]:
        """All ports where servers begin in plain text."""
        return (*self.others, *((self.starttls,) if self.starttls else ()))

    @property
    def every(self) -> tuple[int, ...]:
        return tuple(sorted((*self.clear, *((self.implicit,) if self.implicit else ()))))


class ReceiverTls(Options):
    """The certificate that the receiver presents after STARTTLS."""

    cert_file: ReadFile
    """The certificate with its chain, PEM. It is reloaded when it changes."""

    key_file: ReadFile
    """Its private key, PEM, not encrypted."""


class ClientCertificateOptions(Options):
    """Our certificate for a server that asks for one. The files are read again when they change."""

    cert_file: ReadFile
    """The certificate, PEM, with the intermediate certificates that the server needs after it."""

    key_file: ReadFile
    """Its private key, PEM. May be the same file."""

    key_password: Secret | None = None
    """The password of an encrypted key. `{file: PATH}`, `{env: NAME}` or the text itself."""


class TlsOptions(Options):
    """How a server's certificate is verified."""

    ca_file: ReadFile | None = None
    """CA certificates to trust, PEM. Default: the system's."""

    verify: bool = True
    """Whether the certificate is verified: the trip fails if it has expired, is for another name,
    or comes from an unknown CA."""

    server_name: Host | None = None
    """The name that the certificate must contain. Default: the host."""

    tls_min_version: TlsVersion = "TLS12"
    """The oldest accepted version of TLS. `TLS10` and `TLS11` are insecure (RFC 8996). Use them
    only if an old server must be monitored: they also allow short keys, SHA-1, old ciphers and
    servers without secure renegotiation (OpenSSL's security level 0)."""

    @property
    def presents(self) -> ClientCertificateOptions | None:
        """The certificate for a server that asks for one."""
        return None


class NetworkOptions(Options):
    """How a connection is made."""

    ip: Annotated[
        Literal["any", "4", "6"],
        IpFamily,
        WithJsonSchema({"enum": ["any", 4, 6, "4", "6"], "title": "any, 4 or 6"}),
    ] = "any"
    """Which addresses of a host are used: IPv4, IPv6 or both."""

    source_address: IpAddress | None = None
    """The local address to connect from. Default: chosen by the system."""


class AccessOptions(TlsOptions, NetworkOptions):
    """How a client gets into a mail server: TLS and the login."""

    ports: ClassVar[Ports]
    url_place: ClassVar[str] = "HOST"

    port: Port | None = None
    """TCP port. The default depends on the protocol and on `tls`."""

    tls: TlsMode | None = None
    """`implicit` is TLS from the start. Default: `implicit` on the ports 465, 993 and 995,
    `starttls` on 587; on any other port `starttls` if there is a password or a client certificate,
    so that no password is sent in plain text by accident, else `none`."""

    proxy: ProxyUrl | None = None
    """Connects through a proxy: `socks5://HOST:PORT` or `http://HOST:PORT` (CONNECT), with
    `USER:PASSWORD@` before the host if it requires a login, or `{file: PATH}` or `{env: NAME}` with
    the whole URL. The proxy resolves the name of the server; `ip` and `source_address` apply to the
    connection to the proxy. Tokens of `oauth2` are not requested through it."""

    username: OneWord | None = None
    """The login name."""

    password: Secret | None = None
    """`{file: PATH}`, `{env: NAME}` or the text itself. A file is read again at every use."""

    oauth2: OAuth2Options | None = None
    """Instead of `password`: a login with a token (OAuth 2.0), as Microsoft 365 and Gmail
    require."""

    client_certificate: ClientCertificateOptions | None = None
    """Our certificate for a server that asks for one. Without `password`, it is also the login
    (SASL EXTERNAL, RFC 4422) if the server offers that; `username` then says for whom, if the
    certificate is valid for several users."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        username, password, oauth2, certificate = (
            given.get(name) is not None
            for name in ("username", "password", "oauth2", "client_certificate")
        )
        if username and not (password or oauth2 or certificate):
            yield "username needs a password, oauth2 or client_certificate"
        if not username and (password or oauth2):
            yield f"{'password' if password else 'oauth2'} needs a username"
        yield from cls._of_tokens(given)
        yield from cls._of_certificates(given)

    @classmethod
    def of_url(cls, url: ServerUrl, secret: Mapping[str, str]) -> dict[str, Any]:
        """The options that a URL stands for, as in a configuration (`KindWithUrls`)."""
        url.expect_host()
        url.without(*(["path"] if url.path != "/" else []))
        options: dict[str, Any] = {"host": url.host}
        implicit, port = url.scheme.endswith("s"), url.port
        if implicit and port in cls.ports.clear:
            raise ValueError(
                f"port {port} begins in plain text: write {url.scheme[:-1]}://, or port"
                f" {cls.ports.implicit}"
            )
        if implicit and not port:
            port = cls.ports.implicit
        if port:
            options["port"] = port
        if implicit and port != cls.ports.implicit:
            options["tls"] = "implicit"
        if url.user:
            options |= {"username": url.user, "password": {**secret}}
        return options

    @classmethod
    def _of_certificates(cls, given: Mapping[str, Any]) -> Iterator[str]:
        has = {name for name, value in given.items() if value is not None}
        if "client_certificate" in has and given.get("tls") == "none":
            yield "client_certificate needs TLS"
        if given.get("auth") != "external":
            return
        if "client_certificate" not in has:
            yield "auth: external needs client_certificate"
        if secrets := has & {"password", "oauth2"}:
            yield f"auth: external does not work with {' and '.join(sorted(secrets))}"

    @classmethod
    def _of_tokens(cls, given: Mapping[str, Any]) -> Iterator[str]:
        password, oauth2, auth = (given.get(name) for name in ("password", "oauth2", "auth"))
        if password is not None and oauth2 is not None:
            yield "only one of these can be given: password, oauth2"
        if oauth2 is not None and given.get("tls") == "none":
            yield "oauth2 needs TLS: a token must not be sent in plain text"
        if str(auth).endswith("-plus") and given.get("tls") == "none":
            yield f"auth: {auth} needs TLS: it binds the login to the TLS session"
        if auth in (None, "external", "none"):
            return
        if (auth in ("xoauth2", "oauthbearer")) != (oauth2 is not None):
            yield f"auth: {auth} does not work with {'a password' if oauth2 is None else 'oauth2'}"

    @property
    def tls_mode(self) -> TlsMode:
        """`tls`, or what it defaults to."""
        if self.tls:
            return self.tls
        if self.port in (465, 993, 995):
            return "implicit"
        needed = self.port == 587 or self.password or self.oauth2 or self.client_certificate
        return "starttls" if needed else "none"

    @property
    def presents(self) -> ClientCertificateOptions | None:
        return self.client_certificate

    @property
    def logs_in(self) -> bool:
        """Whether there is a login, at least if the server offers SASL EXTERNAL."""
        return self.username is not None or self.client_certificate is not None

    @property
    def token_login(self) -> tuple[OAuth2Options, str] | None:
        """How a token is requested, and for whom; None if this server gets a password."""
        return (self.oauth2, self.username or "") if self.oauth2 else None

    def steps_of_access(self, login: Step) -> frozenset[Step]:
        """The steps up to and including the login, which is `login` in this protocol."""
        steps = {Step.RESOLVE, Step.CONNECT, Step.GREETING}
        if self.tls_mode != "none":
            steps.add(Step.TLS)
        if self.logs_in:
            steps.add(login)
        return frozenset(steps)

    @property
    def reasons_of_access(self) -> frozenset[Reason]:
        """Why the server may not let us in, or answer no more."""
        reasons = {*OF_A_CONVERSATION}
        if self.tls_mode != "none":
            reasons.add(Reason.TLS)
        if self.logs_in:
            reasons.add(Reason.AUTH)
        return frozenset(reasons)


class ServerOptions(AccessOptions):
    """A mail server that a client logs in to."""

    host: Host
    """Name or address of the server."""
