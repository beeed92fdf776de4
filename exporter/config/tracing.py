"""Where the traces of trips go: an OpenTelemetry collector (OTLP over HTTP)."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from exporter.config.address import check_url
from exporter.config.grammar import is_line
from exporter.config.server import ClientCertificateOptions, TlsOptions
from exporter.config.types import Duration, Secret, Text

SIGNAL = "/v1/traces"
GRPC = 4317
MOST_HEADERS = 20
MOST_ATTRIBUTES = 32
_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:_]+(/[!-~]*)?")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,76}")  # a token of RFC 9110 section 5.6.2
_OURS = frozenset(
    (
        "host",
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "connection",
    )
)
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_LONGEST_VALUE = 200  # characters
_NEED_TLS = ("ca_file", "verify", "server_name", "tls_min_version", "client_certificate")


def _endpoint(url: str) -> str:
    if "@" in url:
        raise ValueError("must not contain a login: write it into `headers`")
    if "?" in url or "#" in url:
        raise ValueError("must not have a query: write a key into `headers`")
    if not _URL.fullmatch(url):
        raise ValueError("not the URL of a collector; write http://HOST:4318, or https://HOST/PATH")
    if urlsplit(check_url(url)).port == GRPC:
        raise ValueError("4317 is the port for OTLP over gRPC; OTLP over HTTP has the port 4318")
    return url


def _header_name(text: str) -> str:
    if not _HEADER.fullmatch(text):
        raise ValueError("not the name of a header; write it without the colon, such as X-Api-Key")
    if text.lower() in _OURS:
        raise ValueError("reserved: mailtrip sets this header")
    return text


def _attribute(text: str) -> str:
    if not _ATTRIBUTE.fullmatch(text):
        raise ValueError(
            "not the name of an attribute; write one such as deployment.environment.name"
        )
    if text.startswith("service.") and text in ("service.name", "service.version"):
        raise ValueError("mailtrip writes this attribute itself; see `service_name`")
    return text


def _value(text: str) -> str:
    if not is_line(text, _LONGEST_VALUE):
        raise ValueError(f"must be one line of at most {_LONGEST_VALUE} characters")
    return text


OtlpEndpoint = Annotated[
    str,
    AfterValidator(_endpoint),
    WithJsonSchema({"type": "string", "pattern": f"^{_URL.pattern}$", "title": "URL"}),
]
RequestHeader = Annotated[
    str,
    AfterValidator(_header_name),
    WithJsonSchema({"type": "string", "title": "header", "pattern": f"^{_HEADER.pattern}$"}),
]
AttributeName = Annotated[
    str,
    AfterValidator(_attribute),
    WithJsonSchema({"type": "string", "title": "attribute", "pattern": f"^{_ATTRIBUTE.pattern}$"}),
]
AttributeValue = Annotated[
    Text,
    AfterValidator(_value),
    WithJsonSchema({"type": "string", "title": "line of text"}),
]


class TracingOptions(TlsOptions):
    """Sends each finished trip as a trace to an OpenTelemetry collector, by OTLP over HTTP
    ([tracing.md](tracing.md)). It needs the package `mailtrip-exporter[tracing]`. The variables
    `OTEL_*` of the environment are not read; `HTTPS_PROXY` and `NO_PROXY` are used if `endpoint` is
    `https`."""

    endpoint: OtlpEndpoint
    """The URL of the collector: `http://HOST:4318`, or `https://HOST/PATH`. `/v1/traces` is added
    unless the path ends so."""

    headers: dict[RequestHeader, Secret] = Field(default={}, max_length=MOST_HEADERS)
    """Headers of the requests, such as `Authorization`. Each value is `{file: PATH}`, `{env: NAME}`
    or the text itself. A file is read again at every use."""

    timeout: Duration = 10.0
    """Time limit for one request."""

    trips: Literal["all", "failed"] = "all"
    """Which trips are sent: all, or only those that failed."""

    service_name: Text = Field(default="mailtrip", max_length=100)
    """The name of this exporter in the traces (`service.name`)."""

    resource: dict[AttributeName, AttributeValue] = Field(default={}, max_length=MOST_ATTRIBUTES)
    """More attributes of this exporter, such as `deployment.environment.name: production`."""

    client_certificate: ClientCertificateOptions | None = None
    """Our certificate for a collector that asks for one."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        headers, endpoint = given.get("headers"), given.get("endpoint")
        if isinstance(headers, dict):
            names = [name.lower() for name in headers if isinstance(name, str)]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                yield f"headers: {', '.join(twice)} is given twice"
        if isinstance(endpoint, str) and endpoint.startswith("http://"):
            useless = [name for name in _NEED_TLS if given.get(name) is not None]
            if useless:
                yield f"{', '.join(useless)}: no effect, since endpoint is not https"

    @property
    def presents(self) -> ClientCertificateOptions | None:
        return self.client_certificate

    @property
    def url(self) -> str:
        """Where requests go."""
        base = self.endpoint.rstrip("/")
        return base if base.endswith(SIGNAL) else base + SIGNAL

    @property
    def host(self) -> str:
        """In lower case, an IPv6 address without brackets."""
        return urlsplit(self.endpoint).hostname or ""

    @property
    def place(self) -> str:
        """The collector, for people."""
        return urlsplit(self.endpoint).netloc

    @property
    def is_https(self) -> bool:
        return self.endpoint.startswith("https:")
