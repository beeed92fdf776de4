"""What a collector answers, other than that it has taken all."""

from dataclasses import dataclass

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason

MAX_ANSWER = 1 << 16  # bytes


@dataclass(frozen=True, slots=True)
class Rejection:
    """What a collector has not taken of a request that it has answered."""

    spans: int
    words: str = ""


class Later(ProbeError):
    """The collector asks to send the request again, at the earliest after so many seconds."""

    def __init__(self, detail: str, seconds: float) -> None:
        super().__init__(Reason.UNAVAILABLE, detail)
        self.seconds = seconds
