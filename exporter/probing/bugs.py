"""Bugs in what is done beside a trip."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.core.logs import about
from exporter.core.model import ProbeKey
from exporter.state.commit_callbacks import Tell

log = logging.getLogger(__name__)


@contextmanager
def contained(trip: str, probe: ProbeKey, otherwise: Tell | None = None) -> Iterator[None]:
    """Whatever breaks in here is logged as a bug, and changes nothing of the trip's outcome.
    `otherwise` is told of it."""
    try:
        yield
    except Exception:
        log.exception("trip %s of %s: a bug in mailtrip", trip, probe, extra=about(trip, probe))
        if otherwise:
            otherwise("a bug in mailtrip")
