"""Which servers could be reached, and whether the network is to blame for the others."""

from collections.abc import Iterable

from exporter.commands.preflight.remark import Remark, Risk
from exporter.core.model import Span
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.smtp.ports import BETWEEN_SERVERS


def reached(spans: Iterable[Span]) -> list[str]:
    """The servers, as HOST:PORT, that a connection was made to."""
    return [span.note for span in spans if span.step is Step.CONNECT and span.reason is None]


def unreached(spans: Iterable[Span]) -> list[str]:
    """Those that one could not be made to: refused, unreachable, or no answer in time."""
    missed = (Reason.CONNECT, Reason.TIMEOUT)
    return [span.note for span in spans if span.step is Step.CONNECT and span.reason in missed]


def of_connections(mine: Iterable[Span], others: Iterable[Span]) -> list[Remark]:
    """On an attempt that reached some servers or none, while `others` did or did not.

    One dead exchanger is its owner's trouble. When every one of them is out of reach, on port 25
    and for every attempt, the network most often blocks outgoing mail.
    """
    missed = unreached(mine := list(mine))
    if not missed:
        return []
    if met := reached(mine):
        return [Remark(Risk.PASSED_OVER, ", ".join(missed), met[0])]
    if not all(server.endswith(f":{BETWEEN_SERVERS}") for server in missed):
        return []
    elsewhere = [server for server in reached(others) if server.endswith(f":{BETWEEN_SERVERS}")]
    return [
        Remark(
            Risk.ALL_DOWN if elsewhere else Risk.BLOCKED,
            ", ".join(missed),
            (elsewhere or missed)[0],
        )
    ]
