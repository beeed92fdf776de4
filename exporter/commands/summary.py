"""A summary of a configuration in one line."""

from exporter.settings import Settings


def counts(settings: Settings) -> str:
    """The numbers of probes, modules and mailboxes."""
    return (
        f"modules: {len(settings.modules)}, mailboxes: {len(settings.mailboxes)}, probes:"
        f" {len(settings.probes)}"
    )
