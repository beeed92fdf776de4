"""Sends from a mailbox in Exchange Online, by Microsoft Graph."""

import asyncio
import re
from base64 import b64encode
from typing import TYPE_CHECKING

from exporter.core.model import ProbeError, Reply
from exporter.core.one_line import one_line
from exporter.core.phases import Leg
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.core.trace.trace import Trace
from exporter.mail.composition import ProbeMessage
from exporter.net.graph.request import Answer, Request
from exporter.senders.graph_options import GraphSendOptions
from exporter.senders.kind import Means

if TYPE_CHECKING:
    from exporter.net.graph.client import GraphClient

ACCEPTED = 202
SENT_ITEMS = "sentitems"
COPY_PATIENCE = 8.0  # seconds; Exchange Online stores the copy when it has sent the message
COPY_PAUSE = 1.0
UNCLEAR = frozenset({500, 502, 504})  # a gateway may have said so
_MESSAGE_ID = re.compile(rb"(?im)^message-id:\s*(<[!-~]{1,998}>)")
NOTHING = b"!"  # in no base64: Graph says so after it has judged the token, and sends nothing


class GraphSender:
    """Gives the message to Graph as it is (MIME): only 202 means that it was accepted."""

    def __init__(self, options: GraphSendOptions, means: Means) -> None:
        self._options = options
        self._resolver = means.resolver
        self._account = means.accounts.of(*options.token_login)
        self.gap = options.gap or 0.0

    def destination(self, message: ProbeMessage) -> str:
        return f"{self._options.user} at {self._options.host}"

    async def send(self, message: ProbeMessage, run: Run) -> None:
        content = b64encode(_with_recipient(message))
        run.note(f"-- {len(message.raw)} bytes to {message.recipient}")
        while (wait := await self._post(content, run)) is not None:
            run.note(f"-- throttled; retrying in {wait:g} s")
            run.makes_way.set()
            with run.step(Step.RETRY, f"throttled, again in {wait:g} s"):
                await asyncio.sleep(wait)
        if self._options.delete_sent:
            await self._delete_copy(message, run)

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        """Posts what is no message, so that the answer is 400 if the token and the mailbox are
        good."""
        async with run.conversation(server=self._options.host):
            client = self._client(run)
            request = Request(
                "POST", "/sendMail", Step.DATA, content=NOTHING, content_type="text/plain"
            )
            try:
                await client.call(request, lambda answer: client.expect(answer, 400))
            finally:
                client.abort()

    async def _post(self, content: bytes, run: Run) -> float | None:
        """Posts the message. Returns the seconds after which to try again; None if it was accepted.

        Answers 429 and 503 say that nothing was done. After another 5xx, and after a success that
        is not 202, it is unknown whether the message was sent, and it is not sent again.
        """
        client = self._client(run)

        def in_doubt(doubt: bool) -> None:
            run.uncertain = doubt

        def read(answer: Answer) -> float | None:
            if answer.status == ACCEPTED:
                run.fact(Reply(ACCEPTED, _words(answer)))
                run.accept(f"{ACCEPTED} {_words(answer)}")
                return None
            run.uncertain = answer.status < 300 or answer.status in UNCLEAR
            if answer.wait is not None and answer.wait < run.time_left():
                return answer.wait
            client.expect(answer, ACCEPTED, sending=True)
            return None

        request = Request(
            "POST",
            "/sendMail",
            Step.DATA,
            content=content,
            content_type="text/plain",
            in_doubt=in_doubt,
        )
        try:
            async with run.conversation(server=self._options.host):
                return await client.call(request, read, repeats=0)
        finally:
            client.abort()

    async def _delete_copy(self, message: ProbeMessage, run: Run) -> None:
        """Deletes the copy in Sent Items as soon as it is there. The message was accepted, so
        nothing that happens here is a failure or a step of the trip."""
        from exporter.net.graph.messages import GraphMessages

        found = _MESSAGE_ID.search(message.raw.partition(b"\r\n\r\n")[0])
        client = self._client(Trace(run.clock))
        graph, told = GraphMessages(client), "there is none yet"
        try:
            async with asyncio.timeout(min(COPY_PATIENCE, run.time_left() / 2)):
                while found:
                    for copy in await graph.with_id(SENT_ITEMS, found[1].decode()):
                        if not await graph.delete(copy):
                            await graph.hide(copy)
                        run.note("-- the copy in Sent Items is deleted")
                        return
                    await asyncio.sleep(COPY_PAUSE)
        except ProbeError as error:
            told = error.detail
        except TimeoutError:
            pass
        finally:
            client.abort()
        run.note(f"-- the copy in Sent Items is not deleted: {told}")

    def _client(self, trace: Trace) -> "GraphClient":
        # Only who uses Graph needs an HTTP client.
        from exporter.net.graph.client import GraphClient

        return GraphClient(self._options, self._account, self._resolver, trace, Leg.SEND)


def _with_recipient(message: ProbeMessage) -> bytes:
    """The message, which names its recipient: there is no envelope. Exchange removes Bcc."""
    head = message.raw.partition(b"\r\n\r\n")[0].lower()
    recipient = message.recipient.encode()
    if f"to: <{message.recipient.lower()}>".encode() in head.split(b"\r\n"):
        return message.raw
    return b"Bcc: <" + recipient + b">\r\n" + message.raw


def _words(answer: Answer) -> str:
    """The id of the request, by which Microsoft finds it."""
    return f"Accepted, request-id {one_line(answer.headers.get('request-id', '?'), 80)}"
