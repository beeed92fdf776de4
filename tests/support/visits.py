"""What became of messages through exchangers."""

from exporter.core.model import ExchangerVisit, Failure, TlsPolicy, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step

EXPIRES, EARLIER = 1_800_000_000.0, 1_790_000_000.0  # 2027-01-15, 2026-09-21
VISITS = (
    ExchangerVisit(
        "mx1.example.org",
        10,
        "192.0.2.1",
        success=True,
        failure=None,
        sending=0.2,
        delay=1.5,
        tls=TlsSession(Leg.SEND, "TLSv1.3", "AES", EXPIRES, EARLIER, "CN=R1", "0a"),
        policy=TlsPolicy("dane", "enforce"),
    ),
    ExchangerVisit(
        "mx1.example.org",
        10,
        "2001:db8::1",
        success=False,
        failure=Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "550", "unknown <user>"),
        transcript=("    0.100 send    S: 550 unknown <user>",),
    ),
    ExchangerVisit(
        "mx2.example.org",
        20,
        "192.0.2.2",
        success=None,
        failure=Failure(Phase.DELIVER, None, Reason.UNAVAILABLE, "", "the mailbox is closed"),
        tls=TlsSession(Leg.SEND, "TLSv1.2", "ECDHE", EXPIRES),
    ),
    ExchangerVisit(
        "MX3.example.org",
        30,
        "",
        success=False,
        failure=Failure(Phase.SEND, Step.RESOLVE, Reason.DNS, "NXDOMAIN", "no such name"),
    ),
)
