"""The precision of what we measure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Precision:
    """The permitted error of a reported time: in seconds or as a fraction of it, whichever is
    more."""

    seconds: float
    share: float

    def bound(self, duration: float) -> float:
        """The permitted error, in seconds."""
        return max(self.seconds, self.share * duration)


FINE = Precision(0.1, 0.05)
COARSE = Precision(1.0, 0.1)  # where every look takes a login
REMOTE = Precision(5.0, 0.1)  # where requests are limited, and each takes a while
