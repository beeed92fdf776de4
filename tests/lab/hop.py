"""The part of the lab that is not an existing server. One background process:

HOP_IP:10025       mail agent behind the MX: slowN@ (delivered after N seconds), rewrite-full@ (a
new message)
HOP_IP:10023       Postfix policy service for grey@: deterministic greylisting
SILENT_DNS_IP:53   DNS server that never answers (swallows UDP, accepts TCP and stays silent)
"""

import asyncio
import email
import email.policy
import re
import smtplib
import socket
import sys
import time
import traceback
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

from tests.lab import facts, tinysmtp
from tests.lab.background import Service, go_to_background, listen, log, serve
from tests.lab.rundir import RunDirectory

GREY_DELAY = 3  # seconds that a new correspondent has to wait
GREY_MEMORY = 600  # seconds without a retry after which greylisting starts afresh
GIVE_UP = 900  # seconds; the same as the queue lifetime of the Postfix servers

Triple = tuple[str, str, str]  # client, sender, recipient
Delivery = Callable[[str, str, bytes], None]  # called with sender, recipient, message


class MailAgent:
    """Takes mail from the MX and hands it on, late or rewritten."""

    def __init__(self, rundir: RunDirectory) -> None:
        self._rundir = rundir
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio keeps only weak references

    def take(self, mail: tinysmtp.Mail) -> None:
        for recipient in mail.recipients:
            log("taken", mail.sender or "<>", recipient, len(mail.data), "bytes")
            task = asyncio.create_task(self._handle(mail, recipient))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _handle(self, mail: tinysmtp.Mail, recipient: str) -> None:
        data = trace_header(mail, recipient) + mail.data
        name = re.split("[+@]", recipient)[0].lower()
        try:
            if name == "rewrite-full":
                rewriter = "rewrite-bounces@lab.test"
                await self._deliver(
                    send_on, rewriter, "monitor@mon.test", rewritten(data, recipient)
                )
            else:
                await asyncio.sleep(float(name.removeprefix("slow")))
                await self._deliver(store, mail.sender, recipient, data)
        except Exception:
            log("error", recipient, traceback.format_exc())

    async def _deliver(self, how: Delivery, sender: str, recipient: str, data: bytes) -> None:
        """Tries again like a mail server until it works, is refused for good, or takes too long."""
        deadline = time.monotonic() + GIVE_UP
        while time.monotonic() < deadline:
            try:
                if self._rundir.state("paused", "no") == "no":
                    await asyncio.to_thread(how, sender, recipient, data)
                    log("delivered", recipient)
                    return
            except smtplib.SMTPRecipientsRefused as refusal:
                code, text = refusal.recipients[recipient]
                log("refused", recipient, code, text)
                if code >= 500:
                    return
            except (smtplib.SMTPException, OSError) as error:
                log("not yet", recipient, repr(error))
            await asyncio.sleep(2)
        log("gave up", recipient)


def trace_header(mail: tinysmtp.Mail, recipient: str) -> bytes:
    lines = (
        f"Received: from {mail.helo} ([{mail.client}]) by hop.lab.test with ESMTP for"
        f" <{recipient}>;\r\n"
    )
    return f"{lines}\t{formatdate(localtime=True)}\r\n".encode()


def rewritten(original: bytes, agent: str) -> bytes:
    """A new message with the whole original attached as message/rfc822."""
    attachment = email.message_from_bytes(original, policy=email.policy.SMTP)
    subject = re.sub(r"[\r\n]+\s*", " ", str(attachment.get("Subject", "")))
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = f"Rewriting Agent <{agent}>"
    message["To"] = "monitor@mon.test"
    message["Subject"] = f"Fwd: {subject}"
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain="rewriter.lab.test")
    message.set_content("The original message is attached.\n")
    message.add_attachment(attachment)
    return message.as_bytes()


def store(sender: str, recipient: str, data: bytes) -> None:
    with smtplib.LMTP(facts.IMAP_IP, 24, local_hostname="hop.lab.test") as client:
        client.sendmail(sender, [recipient], data)


def send_on(sender: str, recipient: str, data: bytes) -> None:
    with smtplib.SMTP(facts.MX_IP, 10027, local_hostname="hop.lab.test", timeout=30) as client:
        client.sendmail(sender, [recipient], data)


class Greylist:
    """A Postfix policy service (SMTPD_POLICY_README) that defers each new correspondent for
    GREY_DELAY seconds."""

    def __init__(self) -> None:
        self._first_seen: dict[Triple, float] = {}
        self._last_seen: dict[Triple, float] = {}

    async def client(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Postfix sends name=value lines and an empty line, and wants an action."""
        request: dict[str, str] = {}
        try:
            while line := (await reader.readline()).decode("latin1"):
                name, _, value = line.strip().partition("=")
                if name:
                    request[name] = value.lower()
                    continue
                triple = (request["client_address"], request["sender"], request["recipient"])
                writer.write(f"action={self._action(triple)}\n\n".encode())
                await writer.drain()
                request = {}
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _action(self, triple: Triple) -> str:
        now = time.time()
        if now - self._last_seen.get(triple, 0) > GREY_MEMORY:
            self._first_seen[triple] = now
        self._last_seen[triple] = now
        wait = self._first_seen[triple] + GREY_DELAY - now
        if wait > 0:
            return f"DEFER_IF_PERMIT 4.2.0 Greylisted, try again in {wait + 1:.0f} seconds"
        del (
            self._first_seen[triple],
            self._last_seen[triple],
        )  # the next message is greylisted again
        return "DUNNO"


async def silent_client(reader: StreamReader, writer: StreamWriter) -> None:
    try:
        while await reader.read(4096):
            pass
    except ConnectionError:
        pass
    finally:
        writer.close()


def main(rundir: RunDirectory) -> None:
    agent = tinysmtp.server("hop.lab.test", MailAgent(rundir).take)
    services = [
        Service(agent, listen(facts.HOP_IP, 10025)),
        Service(Greylist().client, listen(facts.HOP_IP, 10023)),
        Service(silent_client, listen(facts.SILENT_DNS_IP, 53)),
    ]
    with listen(facts.SILENT_DNS_IP, 53, socket.SOCK_DGRAM):  # never read
        go_to_background(rundir, "hop")
        asyncio.run(serve(services))


if __name__ == "__main__":
    main(RunDirectory(Path(sys.argv[1])))
