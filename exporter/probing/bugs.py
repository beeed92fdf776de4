"""Isolates bugs in code that runs next to a trip."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.core.logs import about
from exporter.core.model import ProbeKey
from exporter.state.commit_callbacks import Tell

log = logging.getLogger(__name__)


@contextmanager
def contained(trip: str, probe: ProbeKey, otherwise: Tell | None = None) -> Iterator[None]:
    """Logs any exception of its block as a bug; the trip's outcome does not change. Calls
    `otherwise` then."""
    try:
        yield
    except Exception:
        log.exception("trip %s of %s: a bug in mailtrip", trip, probe, extra=about(trip, probe))
        if otherwise:
            otherwise("a bug in mailtrip")
