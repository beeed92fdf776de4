"""Values that can be read, and that are probably unintended."""

import re
from collections.abc import Iterator

from exporter.commands.review.walk import values
from exporter.config.finding import Finding
from exporter.config.grammar import ip_of
from exporter.config.load import Reading
from exporter.config.mistakes import Path
from exporter.config.placeholders import FILE_OR_ENV, HIDDEN
from exporter.config.server import TlsOptions
from exporter.config.tracing import TracingOptions
from exporter.config.types import Secret
from exporter.core.facts import is_secret
from exporter.settings import Settings

_OLD = ("TLS10", "TLS11")
_REFERENCE = re.compile(r"\{\s*(file|env)\s*:.*\}|\$\w+|\$\{\w+\}")


def of_values(reading: Reading[Settings]) -> Iterator[Finding]:
    """Finds secrets that a comment truncates, options without effect, old TLS, headers that no
    check reads."""
    for path, value in values(reading.options):
        if isinstance(value, Secret) and (comment := reading.node(path).comment):
            glued = comment == "##"
            what = "what follows" if glued else "the comment after it"
            text = (
                f"YAML ends the secret before the #, and {what} is not part of it: quote the secret"
            )
            yield Finding(path, text, warning=not glued)
        elif isinstance(value, Secret):
            yield from _of_a_literal(path, value)
        elif isinstance(value, TlsOptions) and getattr(value, "tls", None) == "none":
            useless = [
                one for one in ("ca_file", "verify", "server_name") if one in value.model_fields_set
            ]
            if useless:
                yield Finding(
                    (*path, useless[0]),
                    f"{', '.join(useless)}: no effect with tls: none",
                    warning=True,
                )
        elif isinstance(value, TlsOptions) and value.tls_min_version in _OLD:
            text = (
                f"{value.tls_min_version} is insecure (RFC 8996), and also allows short keys,"
                " SHA-1 and old ciphers"
            )
            yield Finding((*path, "tls_min_version"), text, warning=True)
        elif isinstance(value, TracingOptions):
            yield from _of_a_collector(path, value)
        elif path[-2:-1] == ("headers",) and isinstance(value, str) and _REFERENCE.fullmatch(value):
            text = (
                "is used literally: the value of a header is never read from a file or a variable"
            )
            yield Finding(path, text, warning=True)
    for number, probe in enumerate(reading.options.probes):
        if probe.target and "*" in probe.target:
            text = (
                "is one target, and * is not a wildcard here: patterns work in `targets` of a"
                " module"
            )
            yield Finding(("probes", number, "target"), text, warning=True)


def _of_a_collector(path: Path, tracing: TracingOptions) -> Iterator[Finding]:
    """Finds a secret that is sent in plain text."""
    secret = [name for name in tracing.headers if is_secret(name)]
    if secret and not tracing.is_https and not _is_here(tracing.host):
        text = f"{', '.join(secret)} is sent to {tracing.host} in plain text: use https"
        yield Finding((*path, "headers"), text, warning=True)


def _is_here(host: str) -> bool:
    address = ip_of(host)
    return host == "localhost" or bool(address and address.is_loopback)


def _of_a_literal(path: Path, secret: Secret) -> Iterator[Finding]:
    if secret.origin:
        return
    if secret.reveal() == HIDDEN:
        yield Finding(
            path, f"is the text that mailtrip's pages show instead of a secret: {FILE_OR_ENV}"
        )
    elif secret.reveal() != secret.reveal().strip():
        yield Finding(
            path, "begins or ends with a blank, which is part of the secret", warning=True
        )
