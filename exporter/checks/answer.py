"""What came home instead of the message, and how long each of the two legs took, as far as it
tells."""

from exporter.core.facts import Answer
from exporter.core.home import Home
from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.trace.run import Run
from exporter.mail.bounces import DELIVERED, Bounce
from exporter.mail.headers.dates import time_of
from exporter.mail.mime import decoded
from exporter.mail.tokens import without_tokens
from exporter.mailboxes.watcher.expectation import Found

MAX_TEXT = 100  # characters of a header that are shown
SECOND = 1.0  # servers write no more precise times


def answer_of(found: Found, home: Home, run: Run) -> Answer:
    """What came home. It was written at the time in its `Date`, or else in its oldest `Received`,
    by the clock of who wrote it."""
    message, sighting = found.message, found.sighting
    written_at = _written_at(found)
    there = back = error = ahead = None
    if written_at is not None and run.accepted is not None:
        took = max(sighting.seen_at - run.accepted, 0.0)
        # The time has whole seconds: it was written within the second that begins with it.
        soonest = written_at - (run.started_at + run.accepted - run.started)
        first, last = max(soonest, 0.0), min(soonest + SECOND, took)
        if first <= last:
            there, error = (first + last) / 2, (last - first) / 2
            delay = sighting.delay_since(run.accepted, run.clock, run.sending_since)
            back = None if delay is None else max(delay - there, 0.0)
        else:
            ahead = soonest - took if soonest > took else soonest + SECOND
    said = _said(found.status) if home is Home.DELIVERY_STATUS else message.get("subject")
    author, text = (
        one_line(without_tokens(decoded(words)), MAX_TEXT) for words in (message.get("from"), said)
    )
    return Answer(home, author, text, written_at, there, back, error, ahead)


def undelivered(status: Bounce | None) -> ProbeError | None:
    """The failure if a notification reports something else than the delivery."""
    if status is None or status.action == DELIVERED:
        return None
    by = status.reporter or "a mail server"
    to = f" to {status.remote}" if status.remote else ""
    what = {
        "relayed": f"{by} has relayed it{to}, which reports no deliveries (no DSN, RFC 3461)",
        "expanded": f"{by} has passed it on to several recipients (a list or an alias)",
    }[status.action]
    detail = f"delivery is not proven: {what}"
    return ProbeError(Reason.PROTOCOL, detail, code=status.action)


def _written_at(found: Found) -> float | None:
    """Seconds since the epoch, a whole number; None if the message does not tell."""
    texts = [found.message.get("date"), *found.message.all("received")[-1:]]
    return next((float(at) for text in texts if (at := time_of(text)) is not None), None)


def _said(status: Bounce | None) -> str:
    if status is None:
        return ""
    words = f"{status.action} by {status.reporter or 'a mail server'}"
    to = f" to {status.remote}" if status.remote else ""
    diagnostic = f": {status.diagnostic}" if status.diagnostic else ""
    return f"{words}{to}{diagnostic}"
