"""When a mailbox that failed may be tried again."""

from exporter.model import ProbeError, Reason

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between two attempts to connect
REFUSED_PAUSE, LONGEST_REFUSED_PAUSE = 60.0, 900.0  # the same after a refusal: accounts get locked for many tries
IN_USE_PAUSE, LONGEST_IN_USE_PAUSE = 5.0, 60.0  # POP3: another client has the mailbox, most often for a moment
_LOGIN_DELAY = "LOGIN-DELAY"  # POP3: every try may prolong it
_REFUSALS = frozenset({Reason.AUTH, Reason.TLS, Reason.REJECTED, Reason.PROTOCOL})


def refuses(error: ProbeError) -> bool:
    """The mailbox does not want us: to try again soon would not help."""
    return error.reason in _REFUSALS


class BackOff:
    """The pauses become longer as long as it fails, and are short again after it has been well for a while."""

    def __init__(self) -> None:
        self.until = 0.0  # monotonic: no attempt before
        self._pause = 0.0

    def failed(self, error: ProbeError, now: float) -> float:
        """Takes a failure, and returns the pause that it costs, in seconds."""
        first, longest = FIRST_PAUSE, LONGEST_PAUSE
        if refuses(error) or error.code == _LOGIN_DELAY:
            first, longest = REFUSED_PAUSE, LONGEST_REFUSED_PAUSE
        elif error.code == "IN-USE":
            first, longest = IN_USE_PAUSE, LONGEST_IN_USE_PAUSE
        if now - self.until > longest:
            self._pause = 0.0
        self._pause = min(max(self._pause * 2, first), longest)
        self.until = now + self._pause
        return self._pause
