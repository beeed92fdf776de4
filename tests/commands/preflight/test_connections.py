"""Whether the network is to blame for servers that cannot be reached."""

from exporter.commands.preflight.connections import of_connections
from exporter.commands.preflight.remark import Remark, Risk
from exporter.core.model import Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step


def test_servers_that_let_us_wait_count_as_those_that_refuse() -> None:
    silent = [
        Span(Phase.SEND, Step.CONNECT, 0, 30, Reason.TIMEOUT, f"mx{n}.example:25") for n in (1, 2)
    ]
    assert of_connections(silent, []) == [
        Remark(Risk.BLOCKED, "mx1.example:25, mx2.example:25", "mx1.example:25")
    ]
    submission = [Span(Phase.SEND, Step.CONNECT, 0, 30, Reason.TIMEOUT, "relay.example:587")]
    assert of_connections(submission, []) == [], "nobody blocks that port"
    assert (
        of_connections([Span(Phase.SEND, Step.CONNECT, 0, 1, None, "mx1.example:25")], silent) == []
    )
