"""Links to the pages of probes."""

from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.core.model import ProbeKey
from exporter.probing.probe import Probe


@dataclass(frozen=True, slots=True)
class ProbeLink:
    """What a probe is called, and the address of its page relative to the start page."""

    called: str
    page: str

    @classmethod
    def to(cls, probe: Probe) -> "ProbeLink":
        return cls(probe.called, f"trips?{probe_query(probe.key)}")


def probe_query(key: ProbeKey) -> str:
    """The parameters of an address that name this probe."""
    return urlencode({"module": key.module, "target": key.target})
