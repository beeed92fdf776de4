"""The web configuration file, in the format of Prometheus' exporter-toolkit."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from exporter.config.types import Options, Text

CIPHER_SUITES = {
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Go's names, and OpenSSL's. Those without one are TLS 1.3's, which are always on, in Go as
here."""

_OF_TLS13 = {name for name, cipher in CIPHER_SUITES.items() if not cipher}

CURVES = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
"""Go's names, and OpenSSL's."""

_BCRYPT = re.compile(
    r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)
_ZERO = re.compile(r"0(ns|us|µs|ms|s|m|h)?")
_INTERVAL = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def _client_auth(value: object) -> object:
    if value in ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert"):
        raise ValueError(
            "accepts any certificate, which proves nothing; write RequireAndVerifyClientCert"
        )
    return value


def _version(value: object) -> object:
    if value in ("TLS10", "TLS11"):
        raise ValueError("is insecure and not supported (RFC 8996); write TLS12")
    return value


def _known(names: Mapping[str, str], what: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"not a supported {what}; supported: {', '.join(names)}")
        return value

    return check


def _user(name: str) -> str:
    if not name or ":" in name:
        raise ValueError(
            "not a user name: it must not be empty, and must not hold a colon (RFC 7617)"
        )
    return name


def _hash(value: SecretStr) -> SecretStr:
    if not _BCRYPT.fullmatch(value.get_secret_value()):
        raise ValueError(
            "not a bcrypt hash; create one with: htpasswd -nBC 10 USER, and write what follows the"
            " colon"
        )
    return value


def _header_value(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("must be one line of ASCII")
    return value


def _interval(value: object) -> float:
    """Parses a duration like Go's time.Duration; 0 without a unit is valid, too."""
    text = "" if isinstance(value, bool) else str(value)
    if _ZERO.fullmatch(text):
        return 0.0
    parts = list(_INTERVAL.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        raise ValueError(
            "not a duration; write numbers with units: 100ms, 1s, 1m30s; or 0 for no limit"
        )
    return sum(float(part[1]) * _SECONDS[part[2]] for part in parts)


ClientAuth = Annotated[
    Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"],
    BeforeValidator(_client_auth),
]
Version = Annotated[Literal["TLS12", "TLS13"], BeforeValidator(_version)]
CipherSuite = Annotated[
    str,
    AfterValidator(_known(CIPHER_SUITES, "cipher suite")),
    WithJsonSchema({"type": "string", "enum": list(CIPHER_SUITES)}),
]
Curve = Annotated[
    str,
    AfterValidator(_known(CURVES, "curve")),
    WithJsonSchema({"type": "string", "enum": list(CURVES)}),
]
User = Annotated[str, AfterValidator(_user)]
Hash = Annotated[
    SecretStr, AfterValidator(_hash), WithJsonSchema({"type": "string", "title": "hash by bcrypt"})
]
HeaderValue = Annotated[str, AfterValidator(_header_value)]
Interval = Annotated[
    float,
    BeforeValidator(_interval),
    WithJsonSchema({"type": ["string", "integer"], "title": "duration"}),
]


class TlsServerOptions(Options):
    """HTTPS instead of HTTP. Certificates are reloaded when their files change. Disabling TLS needs
    a restart, so that an error in this file never exposes passwords."""

    cert_file: Text
    """The server's certificate, followed by the chain to its CA, in PEM format. Relative paths are
    relative to the directory of this file; the same applies to the other two files."""

    key_file: Text
    """The certificate's key, in PEM format, without a password."""

    client_auth_type: ClientAuth = "NoClientCert"
    """Whether clients need a certificate: `VerifyClientCertIfGiven` allows clients without one,
    `RequireAndVerifyClientCert` does not. The toolkit's other values accept any certificate, and
    are refused here."""

    client_ca_file: Text | None = None
    """The CA that signs the certificates of clients, in PEM format."""

    client_allowed_sans: list[Text] | None = Field(None, min_length=1)
    """A client's certificate must have exactly one of these subject alternative names (DNS, IP,
    e-mail or URI)."""

    min_version: Version = "TLS12"
    """The oldest version of TLS."""

    max_version: Version = "TLS13"
    """The newest version of TLS."""

    cipher_suites: list[CipherSuite] | None = Field(None, min_length=1)
    """The cipher suites for TLS 1.2, by their names in Go; those of TLS 1.3 are always enabled.
    Default: Python's."""

    prefer_server_cipher_suites: bool = True
    """Whether the server's order of cipher suites is used, or the client's."""

    curve_preferences: list[Curve] | None = Field(None, min_length=1)
    """The curve for the key exchange. Python supports only one here. Default: all curves of
    OpenSSL; these are also used, with a warning in the log, if Python cannot set the given curve
    (X25519 on Debian 12)."""

    @field_validator("curve_preferences")
    @classmethod
    def _one_curve(cls, value: list[str] | None) -> list[str] | None:
        if value and len(value) > 1:
            raise ValueError("Python supports only one curve here; name one, or remove this option")
        return value

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        policy = given.get("client_auth_type", "NoClientCert")
        for name in ("client_ca_file", "client_allowed_sans"):
            if name in given and policy == "NoClientCert":
                yield f"{name} has no effect without client_auth_type: RequireAndVerifyClientCert"
        if (
            policy in ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
            and "client_ca_file" not in given
        ):
            yield "client_ca_file is missing: it contains the CA of the client certificates"
        if given.get("min_version") == "TLS13" and given.get("max_version") == "TLS12":
            yield "min_version is newer than max_version"
        suites = given.get("cipher_suites")
        if (
            given.get("max_version") == "TLS12"
            and isinstance(suites, list)
            and all(str(one) in _OF_TLS13 for one in suites)
        ):
            yield "cipher_suites contains none for TLS 1.2, but max_version allows nothing newer"

    def seen_from(self, directory: str) -> Self:
        """A copy with its paths relative to our working directory."""
        return self.model_copy(
            update={name: os.path.join(directory, path) for name, path in self.files().items()}
        )

    def files(self) -> dict[str, str]:
        """The given paths, by option."""
        names = ("cert_file", "key_file", "client_ca_file")
        return {name: path for name in names if (path := getattr(self, name))}


class HeaderOptions(Options):
    """Headers for every answer. Other headers cannot be set."""

    content_security_policy: HeaderValue | None = Field(None, alias="Content-Security-Policy")
    """What pages may load. Replaces mailtrip's own policy."""

    x_frame_options: Literal["deny", "sameorigin"] | None = Field(None, alias="X-Frame-Options")
    """Which sites may show pages in a frame."""

    x_content_type_options: Literal["nosniff"] | None = Field(None, alias="X-Content-Type-Options")
    """Browsers do not guess the type of an answer."""

    x_xss_protection: HeaderValue | None = Field(None, alias="X-XSS-Protection")
    """For very old browsers."""

    strict_transport_security: HeaderValue | None = Field(None, alias="Strict-Transport-Security")
    """Browsers use only HTTPS for this host."""


class HttpServerOptions(Options):
    """Options of the HTTP server."""

    http2: bool = True
    """Accepted, without effect: mailtrip uses HTTP/1.1, which every client supports."""

    headers: HeaderOptions = HeaderOptions()
    """Headers for every answer."""


class RateLimitOptions(Options):
    """Requests beyond the limit are answered with 429. The limit applies to all clients
    together."""

    interval: Interval
    """The time after which one more request is allowed, such as `100ms` or `1m30s`; `0` for no
    limit."""

    burst: int = Field(0, ge=0, validate_default=True)
    """The number of requests that may arrive at once. At least 1, unless there is no limit."""

    @field_validator("burst")
    @classmethod
    def _lets_one_in(cls, value: int, info: ValidationInfo) -> int:
        if not value and info.data.get("interval"):
            raise ValueError("must be at least 1: otherwise every request is refused")
        return value


class WebOptions(Options):
    """The whole file."""

    tls_server_config: TlsServerOptions | None = None
    """HTTPS instead of HTTP."""

    http_server_config: HttpServerOptions = HttpServerOptions()
    """Headers for every answer."""

    basic_auth_users: dict[User, Hash] | None = Field(None, min_length=1)
    """User names and the bcrypt hashes of their passwords. Without it no login is required. bcrypt
    uses only the first 72 bytes of a password."""

    rate_limit: RateLimitOptions | None = None
    """Limits the rate of requests."""
