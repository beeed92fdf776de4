"""A configuration in one line."""

from exporter.settings import Settings


def counts(settings: Settings) -> str:
    """How much there is of everything."""
    return (
        f"modules: {len(settings.modules)}, mailboxes: {len(settings.mailboxes)}, probes:"
        f" {len(settings.probes)}"
    )
