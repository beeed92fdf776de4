"""Whether a failure is a server's, or ours: we were too late to read its answer."""

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason, Trait

SHARE = 0.2  # of the time that a server had: we were late by so much, or it is the server's failure


def is_starved(late: float, limit: float) -> bool:
    """Whether we were late for too much of a time limit, all in seconds."""
    return late >= SHARE * limit


def starved(error: ProbeError, late: float) -> ProbeError:
    """The failure `error`, after we were late by so many seconds."""
    detail = f"mailtrip itself was late by {late:.1f} s, so this may be its own fault"
    return ProbeError(Reason.STARVED, f"{detail}: {error.detail}").at(error.phase, error.step)


def blamed(error: ProbeError, late: float, limit: float) -> ProbeError:
    """The error of a time with this limit in which we were late by so many seconds: `starved`, if
    our lateness may have caused it."""
    ours = Trait.MAY_BE_OURS in error.reason.traits and is_starved(late, limit)
    return starved(error, late) if ours else error
