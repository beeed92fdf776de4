"""The review of a valid configuration by `check`: finds what cannot work, and what is probably
unintended.

`serve` logs the same and continues: the probe concerned fails, and others are unaffected.
"""

from collections.abc import Iterator

from exporter.commands.review.combinations import of_combinations
from exporter.commands.review.maintenance import of_maintenance
from exporter.commands.review.ports import of_ports
from exporter.commands.review.surroundings import WHILE_IT_RUNS, of_surroundings
from exporter.commands.review.usage import of_usage
from exporter.commands.review.values import of_values
from exporter.config.finding import Finding
from exporter.config.load import Reading
from exporter.config.mistakes import Mistake
from exporter.core.timing.clock import Clock
from exporter.settings import Settings

__all__ = ["in_the_way", "is_lacking", "review"]


def review(
    reading: Reading[Settings],
    *,
    here: bool = True,
    usage: bool = True,
    now: float | None = None,
) -> tuple[Mistake, ...]:
    """All findings, in the order of the files.

    Without `here` it does not check files and variables, which another machine may have; without
    `usage` it ignores unused parts. `now` in seconds since the epoch; None: by the clock.
    """
    settings = reading.options
    found = [*of_ports(settings), *of_values(reading), *of_combinations(settings)]
    found += of_surroundings(settings) if here else ()
    found += of_usage(settings) if usage else ()
    found += of_maintenance(settings, Clock().wall() if now is None else now)
    return reading.mistakes_at((one.path, one.text, one.warning) for one in found)


def in_the_way(reading: Reading[Settings], module: str) -> tuple[Mistake, ...]:
    """Secrets and files for a trip of that module that cannot be read on this machine."""
    return reading.mistakes_at(
        (one.path, one.text, False) for one in _of_a_module(reading.options, module)
    )


def is_lacking(settings: Settings, module: str) -> bool:
    """Whether a secret or a file for a trip of that module cannot be read by this process, as those
    of a systemd unit."""
    found = _of_a_module(settings, module, warnings=True)
    return any(not one.warning or one.text == WHILE_IT_RUNS for one in found)


def _of_a_module(settings: Settings, module: str, *, warnings: bool = False) -> Iterator[Finding]:
    named = settings.modules[module].mailboxes if module in settings.modules else ()
    parts = {("modules", module), *(("mailboxes", name) for name in named)}
    found = (one for one in of_surroundings(settings) if one.path[:2] in parts)
    return (one for one in found if warnings or not one.warning)
