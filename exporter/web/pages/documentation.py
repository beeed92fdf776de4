"""Where the documentation explains what a page shows."""

from dataclasses import dataclass

from exporter.core.availability.outage import reason_of
from exporter.core.reasons import Reason
from exporter.web.external_url import base_url

FLAG = "--web.documentation-url"
SITE = "https://mailtrip.example.org/docs/"
"""A placeholder, like `runbook_url` in dashboards/rules: put your own address in both before you
publish the documentation."""


@dataclass(frozen=True, slots=True)
class Documentation:
    """The pages of docs/. `url` ends with a slash."""

    url: str = SITE

    @classmethod
    def from_flag(cls, text: str | None) -> "Documentation":
        """Raises ValueError with a line for administrators."""
        url = base_url(FLAG, text or "", "https://wiki.example.org/mailtrip")
        return cls(f"{url}/") if url else cls()

    def link(self, place: str) -> str:
        """The address of a page, with the heading there; of all pages for an empty place."""
        return f"{self.url}{place}"


PUBLISHED = Documentation()


def runbook(reason: Reason) -> str:
    """The place that says what to do about it."""
    return f"alerts.md#{reason.runbook.lower()}"


def runbook_of(word: str) -> str:
    """The same for an outage's `phase/reason`; empty if we do not know it."""
    reason = reason_of(word)
    return runbook(reason) if reason else ""
