"""Links to the pages of probes."""

from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.probing.probe import Probe


@dataclass(frozen=True, slots=True)
class ProbeLink:
    """What a probe is called, and the address of its page relative to the start page."""

    called: str
    page: str

    @classmethod
    def to(cls, probe: Probe) -> "ProbeLink":
        key = {"module": probe.key.module, "target": probe.key.target}
        return cls(probe.called, f"trips?{urlencode(key)}")
