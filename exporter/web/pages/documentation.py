"""Where the documentation explains what a page shows."""

from exporter.core.availability.outage import reason_of
from exporter.core.reasons import Reason

SITE = "https://mailtrip.example.org/docs/"
"""A placeholder, like `runbook_url` in dashboards/rules: put your own address in both before you
publish the documentation."""


def documented(place: str) -> str:
    """The address of a page, with the heading there."""
    return f"{SITE}{place}"


def runbook(reason: Reason) -> str:
    """The address of what to do about it."""
    return f"{SITE}alerts.md#{reason.runbook.lower()}"


def explanation(reason: Reason) -> str:
    """The address of what it means, with all known cases of it."""
    return f"{SITE}{reason.documentation}"


def runbook_of(word: str) -> str:
    """The same for an outage's `phase/reason`; empty if we do not know it."""
    reason = reason_of(word)
    return runbook(reason) if reason else ""
