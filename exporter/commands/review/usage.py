"""Finds modules and mailboxes that are not used."""

from collections.abc import Iterator

from exporter.config.finding import Finding
from exporter.settings import Settings


def of_usage(settings: Settings) -> Iterator[Finding]:
    """Modules that can have no probe, and mailboxes that no module names."""
    probed = {probe.module for probe in settings.probes}
    if not settings.modules:
        yield Finding((), "there are no modules, so no trips are made", warning=True)
    for name, module in settings.modules.items():
        if name not in probed and not (module.targets or module.own_target):
            text = (
                "this module is unused: no entry in probes names it, and it has no targets"
                " for /probe"
            )
            yield Finding(("modules", name), text, warning=True)
    used = {mailbox for module in settings.modules.values() for mailbox in module.mailboxes}
    for name in settings.mailboxes:
        if name not in used:
            yield Finding(
                ("mailboxes", name), "this mailbox is unused: no module names it", warning=True
            )
