"""What a failure means for the one who is on call: the states of monitoring systems."""

from enum import StrEnum


class Severity(StrEnum):
    """From the best to the worst."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return list(Severity).index(self)

    @property
    def in_words(self) -> str:
        """For people."""
        return "OK" if self is Severity.OK else self.value

    @property
    def exit_status(self) -> int:
        """That of a plugin, by the guidelines of the Monitoring Plugins."""
        return _EXIT_STATUS[self]


_EXIT_STATUS = {Severity.OK: 0, Severity.WARNING: 1, Severity.CRITICAL: 2, Severity.UNKNOWN: 3}
