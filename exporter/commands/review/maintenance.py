"""Finds windows of maintenance that are over, and patterns that match no probe."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from exporter.config.finding import Finding
from exporter.config.maintenance import moment_text
from exporter.config.mistakes import suggestion
from exporter.core.availability.window import matches
from exporter.settings import Settings


def of_maintenance(settings: Settings, now: float) -> Iterator[Finding]:
    """`now` in seconds since the epoch."""
    names = [probe.name for probe in settings.probes]
    for number, one in enumerate(settings.maintenance):
        path = ("maintenance", number)
        if one.end and one.end.timestamp() <= now:
            text = f"is over since {moment_text(one.end)}: remove it, or correct end"
            yield Finding((*path, "end"), text, warning=True)
        for place, pattern in enumerate(one.probes):
            if not any(matches(pattern, name) for name in names) and not _of_a_pair(
                pattern, settings
            ):
                text = f"matches no probe{suggestion(pattern, names)}"
                yield Finding((*path, "probes", place), text, warning=True)


def _of_a_pair(pattern: str, settings: Settings) -> bool:
    """Whether it may match a target that only Prometheus names."""
    for module in settings.modules.values():
        if module.targets and module.fits(pattern):
            return True
        for target in module.targets:
            if matches(pattern, target) or fnmatchcase(pattern.lower(), target.lower()):
                return True
    return False
