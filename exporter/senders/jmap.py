"""Sends through a JMAP server (RFC 8621 section 7): uploads the message as it is, imports it as a
draft, and submits that. Nothing is left of the draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.model import ProbeError
from exporter.core.phases import Leg
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.net.dns.resolver import Resolver
from exporter.net.jmap.errors import Pause, Throttled
from exporter.net.jmap.mail import Mail
from exporter.net.jmap.resource import SUBMISSION
from exporter.net.jmap.submission import Submission, is_uncertain
from exporter.net.oauth2 import Accounts
from exporter.senders.jmap_options import JmapSendOptions

if TYPE_CHECKING:
    from exporter.net.jmap.client import JmapClient


class JmapSender:
    """One server, one attempt: its answer is the verdict."""

    def __init__(self, options: JmapSendOptions, resolver: Resolver, accounts: Accounts) -> None:
        self._options = options
        self._resolver = resolver
        self.gap = options.gap or 0.0
        self._pause = Pause()
        self._account = (
            accounts.of(options.oauth2, options.username or "") if options.oauth2 else None
        )

    def destination(self, message: ProbeMessage) -> str:
        return self._options.place

    async def send(self, message: ProbeMessage, run: Run) -> None:
        await self._visit(message, run, submit=True)

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        await self._visit(message, run, submit=False)

    async def _visit(self, message: ProbeMessage, run: Run, *, submit: bool) -> None:
        # Only who uses JMAP needs an HTTP client.
        from exporter.net.jmap.client import JmapClient

        host = self._options.host
        with run.failing_step(Step.AUTH):
            self._pause.check(host, run.now())
        client = JmapClient(
            self._options, self._resolver, run, Leg.SEND, self._account, wanted=SUBMISSION
        )
        submission = Submission(client)
        try:
            async with run.conversation(server=host):
                await client.connect()
                with run.step(Step.AUTH):
                    await client.log_in()
                with run.step(Step.MAIL):
                    desk = await submission.desk(message.sender)
                if submit:
                    with run.step(Step.DATA):
                        draft = await submission.store(message.raw, desk.place)
                        await _send(client, submission, message, draft, desk.identity, run)
        except Throttled as error:
            self._pause.impose(error, run.now())
            raise
        finally:
            await client.close()


async def _send(
    client: JmapClient,
    submission: Submission,
    message: ProbeMessage,
    draft: str,
    identity: str,
    run: Run,
) -> None:
    """Submits the draft. Afterwards there is none, unless it is unknown whether it was sent."""
    run.uncertain = True
    try:
        name, is_gone = await submission.submit(draft, identity, message.sender, message.recipient)
    except ProbeError as error:
        run.uncertain = is_uncertain(error)
        if not run.uncertain:
            await _destroy(client, draft, run)
        raise
    run.uncertain = False
    run.accept(f"submission {client.redaction.clean(name)}")
    if not is_gone:
        await _destroy(client, draft, run)


async def _destroy(client: JmapClient, draft: str, run: Run) -> None:
    """Its failure is only noted: the verdict about the message is known."""
    try:
        await Mail(client).destroy([draft])
    except ProbeError as error:
        run.note(f"-- the draft was not deleted: {error.detail}")
