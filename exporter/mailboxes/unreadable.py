"""Messages that a server cannot show, and at which sessions fail. Pure."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.core.model import ProbeError

LEAST = 2  # failures at a message, which are no coincidence then
MOST = 100  # messages that are known
# Seconds until the server is asked for one of them again; the same, later on.
FIRST_RETRY, LONGEST_RETRY = (30.0, 3600.0)

Name = TypeVar("Name", bound=Hashable)


@dataclass(slots=True)
class _Unreadable:
    why: ProbeError
    at: float  # when it was noticed, monotonic
    is_new: bool  # it has arrived since the mailbox was opened first
    times: int = 0


class UnreadableMessages(Generic[Name]):
    """By how a session names a message. It outlives the session: after two have failed at a
    message, it is passed over, so that others can be read."""

    def __init__(self) -> None:
        self._known: dict[Name, _Unreadable] = {}
        self._pause = FIRST_RETRY
        self._retry_at = 0.0

    def failed(self, name: Name, why: ProbeError, now: float, *, at: float, is_new: bool) -> None:
        """Notes that a session has failed at this message, which was noticed `at` that time."""
        known = self._known.pop(name, None) or _Unreadable(why, at, is_new)
        known.times, known.why = known.times + 1, why
        if known.times > LEAST:
            self._pause = min(self._pause * 2, LONGEST_RETRY)
        self._retry_at = now + self._pause
        self._known[name] = known  # the last one: others are asked for first
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def answered(self, name: Name) -> None:
        """Notes that a session has not failed at this message."""
        if self._known.pop(name, None):
            self._pause = FIRST_RETRY

    def passed_over(self) -> list[Name]:
        """The messages that are passed over, the one that was tried last at the end."""
        return [name for name, one in self._known.items() if one.times >= LEAST]

    def may_retry(self, now: float) -> bool:
        """Whether it is time to ask for one of them again."""
        return now >= self._retry_at

    def since(self, moment: float) -> ProbeError | None:
        """Why a new message that was noticed then or later cannot be read; None if all can."""
        known = (one for one in self._known.values() if one.is_new and one.times >= LEAST)
        return next((one.why for one in known if one.at >= moment), None)
