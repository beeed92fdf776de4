"""Evidence in plain text: `/probe?…&debug=true`, of the newest trip and of those in progress,
without a trip; `/trips/ID?format=text`, of one trip, for a ticket or another postmaster."""

from datetime import UTC, datetime
from functools import partial

from exporter import __version__
from exporter.core.model import Outcome
from exporter.mail.tokens import without_tokens
from exporter.probing.probe import Probe
from exporter.terminal import Renderer, as_text, result, transcript, waterfall
from exporter.web.pages.overview import in_words
from exporter.web.pages.trip import TripView

MOST_FLIGHTS = 5  # that are shown, the newest


def debug_page(probe: Probe, newest: Outcome | None, configuration: str, series: str) -> str:
    """Trace and transcript, also of its `newest` trip, the configuration of the module, and the
    series of a scrape.

    It shows no tokens: with the token of a trip in progress, a reader could forge its message.
    """
    under_way = probe.under_way()
    flights = [
        _drawn(outcome, partial(waterfall, under_way=True)) for outcome in under_way[-MOST_FLIGHTS:]
    ]
    if newest:
        finished = _drawn(newest, result)
    elif brief := probe.newest:
        words = f"FAILED, {brief.failure}" if brief.failure else f"OK, {in_words(brief)}"
        finished = f"trip {brief.trip}: {words}. Its transcript cannot be read from the state.\n"
    else:
        finished = "No trip has finished yet.\n"
    parts = {
        f"Trips in progress ({len(under_way)})": "\n".join(flights) or "None.\n",
        "Newest finished trip": finished,
        "Configuration of the module, secrets hidden": configuration,
        "Series that a scrape would get": series,
    }
    head = f"mailtrip {__version__}, {probe.key}\n"
    return without_tokens(
        "\n".join([head, *(f"{title}:\n\n{text}\n" for title, text in parts.items())])
    )


def trip_text(outcome: Outcome, *, under_way: bool) -> str:
    """One trip: timing, facts, the transcript, and the headers of the message, without tokens."""
    view = TripView(outcome, None, under_way=under_way)
    started = datetime.fromtimestamp(outcome.started_at, UTC).isoformat(" ", "seconds")
    trace = f", trace ID {outcome.trace_id}" if outcome.trace_id else ""
    head = f"mailtrip {__version__}, {outcome.probe}, started {started}{trace}\n\n"
    drawing = partial(waterfall, under_way=True) if under_way else result
    if view.is_summary:
        kept = as_text(outcome, drawing).lstrip("\n")
        return without_tokens(f"{head}{kept}\nOnly the verdict of this trip is kept.\n")
    headers = ["\nreceived headers\n", *(f"{line}\n" for line in view.headers)]
    parts = [head, _drawn(outcome, drawing), *(headers if view.headers else ())]
    return without_tokens("".join(parts))


def _drawn(outcome: Outcome, *pictures: Renderer) -> str:
    return "".join(as_text(outcome, picture) for picture in (*pictures, transcript)).lstrip("\n")
