"""What a failure means for the one who is on call: the states of monitoring systems."""

from enum import StrEnum

from exporter.core.phases import Phase
from exporter.core.reasons import Reason


class Verdict(StrEnum):
    """From the best to the worst."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return list(Verdict).index(self)

    @property
    def in_words(self) -> str:
        """For people."""
        return "OK" if self is Verdict.OK else self.value

    @property
    def exit_status(self) -> int:
        """That of a plugin, by the guidelines of the Monitoring Plugins."""
        return _EXIT_STATUS[self]


_EXIT_STATUS = {Verdict.OK: 0, Verdict.WARNING: 1, Verdict.CRITICAL: 2, Verdict.UNKNOWN: 3}
_ALWAYS = {
    Reason.STARVED: Verdict.UNKNOWN,
    Reason.INTERNAL: Verdict.UNKNOWN,
    Reason.LISTED: Verdict.CRITICAL,
    Reason.ACCEPTED: Verdict.CRITICAL,
}
"""In whatever phase."""


def verdict_of(phase: str, reason: str) -> Verdict:
    """The verdict on a failure, which another version may have written.

    A message that has come, though not as it should, is a warning; without one it is critical. If
    mailtrip itself was the cause, or no blocklist was queried, it is unknown.
    """
    known = next((one for one in Reason if one == reason), None)
    if known in _ALWAYS:
        return _ALWAYS[known]
    if phase == Phase.VERIFY:
        came = known is None or Phase.VERIFY in known.phases
        return Verdict.WARNING if came else Verdict.UNKNOWN
    return Verdict.WARNING if phase == Phase.DELETE else Verdict.CRITICAL
