"""Finds which servers could be reached, and whether the network is to blame for the others."""

from collections.abc import Iterable

from exporter.commands.preflight.remark import Remark, Risk
from exporter.core.model import Span
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.smtp.ports import BETWEEN_SERVERS


def reached(spans: Iterable[Span]) -> list[str]:
    """The servers, as HOST:PORT, that accepted a connection."""
    return [span.note for span in spans if span.step is Step.CONNECT and span.reason is None]


def unreached(spans: Iterable[Span]) -> list[str]:
    """The servers without a connection: refused, unreachable, or no answer in time."""
    missed = (Reason.CONNECT, Reason.TIMEOUT)
    return [span.note for span in spans if span.step is Step.CONNECT and span.reason in missed]


def of_connections(mine: Iterable[Span], others: Iterable[Span]) -> list[Remark]:
    """Remarks about an attempt and the servers it reached, compared with `others`.

    One dead exchanger is its owner's problem. If all are unreachable, on port 25 and in every
    attempt, the network probably blocks outgoing mail.
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
