"""The rig of the sender that mailtrip does not have."""

from exporter.core.steps import Step
from exporter.net.dns.resolver import Resolver
from exporter.senders.kind import Sender
from tests.support.sender_rig import Kind, make_sender
from tests.support.smtp_rig import STAGES, STEPS, rig, troubles
from tests.support.smtp_witness import Stage


def _depot(port: int, resolver: Resolver) -> Sender:
    return make_sender("depot", {"host": "mx.example.test", "port": port}, resolver)


DEPOT = Kind(rig(_depot), (Step.RESOLVE, *STEPS), STAGES, (Stage.QUIT,), (Stage.DOT,), troubles())
