"""A message that a server accepted and that did not come home, as labels: for a search in the
log of that server."""

import re

from exporter.core.facts import MailServer
from exporter.core.model import Exchanger, Fact, Outcome, Reply
from exporter.core.phases import Phase
from exporter.core.queue_name import queue_name
from exporter.metrics.series import Labels, Series

LOST = "lost"
DAY = 86400.0  # seconds for which a lost message is shown, while others are lost
_NAME = "mailtrip_accepted_message_info"
_FIT = re.compile(r"[\w./+=: -]{1,64}", re.ASCII)
_AFTER_ACCEPTANCE = (Phase.DELIVER, Phase.VERIFY)


class AcceptedMessage:
    """Shows the first one of an outage for each reason, and the first that was lost within a day:
    so a series begins once an outage, not with each trip."""

    __slots__ = ("_lost_sent_at",)

    def __init__(self) -> None:
        self._lost_sent_at = float("-inf")

    @staticmethod
    def show(outcome: Outcome, series: Series) -> None:
        """Shows the message of the newest trip, unless it failed as the one before did."""
        shown = series.numbers(_NAME)
        lost = {labels: 1.0 for labels in shown if labels[0] == LOST}
        failure, now = outcome.failure, dict[Labels, float]()
        if failure and failure.phase in _AFTER_ACCEPTANCE:
            now = {labels: 1.0 for labels in shown if labels[0] == failure.reason}
            if not now and (place := _place(outcome.facts)):
                now[failure.reason, *place] = 1.0
        series.replace(_NAME, lost | now)

    def lose(self, sent_at: float, facts: tuple[Fact, ...], series: Series) -> None:
        """Shows a message that was sent at that Unix time and is lost by now."""
        place = _place(facts)
        if place and sent_at >= self._lost_sent_at + DAY:
            self._lost_sent_at = sent_at
            others = {one: 1.0 for one in series.numbers(_NAME) if one[0] != LOST}
            series.replace(_NAME, others | {(LOST, *place): 1.0})


def _place(facts: tuple[Fact, ...]) -> tuple[str, str] | None:
    """The server that accepted the message, and the name that it gave to it; None if it gave none
    that we know."""
    replies = [one for one in facts if isinstance(one, Reply) and one.accepts]
    queue = queue_name(replies[-1].text) if replies else ""
    if not _FIT.fullmatch(queue):
        return None
    hosts = [one.host for one in facts if isinstance(one, Exchanger)] or [
        one.host for one in facts if isinstance(one, MailServer)
    ]
    return (hosts[-1].lower() if hosts else "", queue)
