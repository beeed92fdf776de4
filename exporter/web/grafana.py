"""Links to the dashboards in Grafana."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from exporter.core.model import ProbeKey
from exporter.web.external_url import base_url

FLAG = "--web.grafana-url"
ONE_PROBE = "mailtrip-one-probe"  # the UID of the dashboard


@dataclass(frozen=True, slots=True)
class Grafana:
    """`url` has no final slash; empty: there are no links."""

    url: str = ""

    @classmethod
    def from_flag(cls, text: str | None) -> "Grafana":
        """Raises ValueError with a line for administrators."""
        return cls(base_url(FLAG, text or "", "https://grafana.example.org"))

    def dashboard_of(self, key: ProbeKey, name: str | None) -> str:
        """The dashboard of a probe; empty if there is none. A probe without a name is scraped from
        `/probe`: then Prometheus has its target as `instance`."""
        if not self.url:
            return ""
        chosen = {"var-probe": name} if name else {"var-instance": key.target, "var-probe": ""}
        return f"{self.url}/d/{ONE_PROBE}?{urlencode(chosen, quote_via=quote, safe='')}"


NO_GRAFANA = Grafana()
