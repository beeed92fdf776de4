"""Sends as a trip does, and tells what is left behind."""

from exporter.core.model import Failure, ProbeError, TlsPolicy, TlsSession
from exporter.core.phases import Phase
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage, compose
from exporter.mail.tokens import Mint
from exporter.senders.kind import Sender

MINT = Mint(b"k" * 32)
SENDER, RECIPIENT = "probe@lab.test", "someone@example.test"
PATIENCE = 20.0  # seconds; nothing that is awaited takes that long


def probe_message(recipient: str = RECIPIENT, sender: str = SENDER) -> ProbeMessage:
    return compose(MINT.mint(0), sender, recipient, 0)


HEAD = f"""\
Date: Thu, 01 Jan 1970 00:00:00 +0000
From: {SENDER}
Message-ID: <1@lab.test>
Subject: a message

""".replace("\n", "\r\n").encode()
MESSAGES = {
    "a probe": probe_message().raw,
    "dots": HEAD + b".\r\n..\r\n.a line\r\n\r\n.\r\n",
    "a dot at the start of all": b".: x\r\n\r\n.\r\n",
    "lines of 998 octets": HEAD + (b"x" * 998 + b"\r\n") * 3 + b"." + b"y" * 997 + b"\r\n",
    "8-bit": HEAD + "grüße und 例え\r\n".encode() + bytes(range(128, 256)) + b"\r\n",
    "no body": HEAD,
    "empty lines at the end": HEAD + b"\r\n" * 5,
    "three megabytes": HEAD + (b"." + b"x" * 68 + b"\r\n") * 45_000,
}
"""Whatever may be in a message, all with CRLF."""


def new_run(patience: float = PATIENCE, clock: Clock | None = None) -> Run:
    return Run(clock or Clock(), session_timeout=patience)


async def send(
    sender: Sender, message: ProbeMessage, run: Run, timeout: float = PATIENCE
) -> Failure | None:
    """What a trip does in its phase `send`; returns what it would fail with."""
    try:
        async with run.deadline(timeout), run.phase(Phase.SEND):
            await sender.send(message, run)
    except ProbeError as error:
        return run.failure(error)
    return None


def tls_policies(run: Run) -> list[TlsPolicy]:
    return [fact for fact in run.facts if isinstance(fact, TlsPolicy)]


def went_with_tls(run: Run) -> bool:
    return any(isinstance(fact, TlsSession) and fact.version for fact in run.facts)


def steps(run: Run) -> list[Step]:
    """The steps that went well, in their order."""
    return [span.step for span in run.spans if span.step and not span.reason]
