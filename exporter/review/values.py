"""Values that can be read, and that are hardly meant."""

from collections.abc import Iterator

from exporter.config.load import Reading
from exporter.config.server import TlsOptions
from exporter.config.types import Secret
from exporter.review.findings import Finding, values
from exporter.settings import Settings


def of_values(reading: Reading[Settings]) -> Iterator[Finding]:
    """Secrets that a comment cuts short, and options without an effect."""
    for path, value in values(reading.options):
        if isinstance(value, Secret) and (comment := reading.node(path).comment):
            glued = comment == "##"
            what = "what follows" if glued else "the comment behind it"
            text = f"YAML cuts the secret off before the #, and {what} is no part of it: put the secret in quotes"
            yield Finding(path, text, warning=not glued)
        elif isinstance(value, TlsOptions) and getattr(value, "tls", None) == "none":
            useless = [one for one in ("ca_file", "verify", "server_name") if one in value.model_fields_set]
            if useless:
                yield Finding((*path, useless[0]), f"{', '.join(useless)}: without effect, for tls: none", warning=True)
