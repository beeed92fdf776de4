"""What became of a message through one exchanger, on the page about its trip."""

from markupsafe import Markup

from exporter.core.facts_in_words import tls_in_words
from exporter.core.model import ExchangerVisit
from exporter.web.pages.styles import BAD, GOOD, PLAIN
from exporter.web.pages.time_zone import TimeZone


class VisitView:
    """One row of the table of exchangers."""

    def __init__(self, visit: ExchangerVisit, zone: TimeZone) -> None:
        self.visit = visit
        self._zone = zone

    @property
    def state(self) -> str:
        return {True: GOOD, False: BAD, None: PLAIN}[self.visit.success]

    @property
    def word(self) -> str:
        return {True: "OK", False: "failed", None: "unknown"}[self.visit.success]

    @property
    def why(self) -> str:
        """The failure; empty if it is OK."""
        return str(self.visit.failure or "")

    @property
    def tls(self) -> str:
        """TLS with the exchanger."""
        visit = self.visit
        if visit.plaintext:
            return f"sent in plain text: {visit.plaintext}"
        return Markup("").join(self._zone.parts(tls_in_words(visit.tls))) if visit.tls else ""

    @property
    def policy(self) -> str:
        """The policy for TLS."""
        return str(self.visit.policy or "")
