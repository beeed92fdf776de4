"""Faults on the way: the message was taken, and does not come back, or not as it was."""

import re
from collections.abc import Callable

from exporter.app import App
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from tests.atlas.table import Changes, Fault, Known, Lever, Make, Verdict, delivery, given
from tests.atlas.world import World

QUEUE = "the queues on the path: `postqueue -p`, `exim -bp`"


def brought(change: Callable[[bytes], bytes]) -> Make:
    """The message is brought as a server on the path has made it."""

    async def make(world: World) -> Changes:
        courier = await world.courier(change)

        async def then(app: App) -> None:
            await courier.deliver()

        world.then = then
        return {"smtp": courier.options}

    return make


def required(method: str) -> Make:
    """The message is brought as it was sent, and a method must pass."""

    async def make(world: World) -> Changes:
        changes = await brought(lambda raw: raw)(world)
        return {**changes, "roundtrip": {"require": [method]}}

    return make


def notice(raw: bytes, status: str, diagnostic: str, action: str = "failed") -> bytes:
    """A delivery status notification (RFC 3464) about a message, as Microsoft 365 writes it."""
    head = raw.partition(b"\r\n\r\n")[0].decode()
    return f"""\
From: postmaster@outlook.test\r
To: <>\r
Subject: Undeliverable\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
Auto-Submitted: auto-replied\r
\r
--b\r
Content-Type: text/plain\r
\r
Your message was not delivered.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns;outlook.test\r
\r
Final-Recipient: rfc822;somebody@outlook.test\r
Action: {action}\r
Status: {status}\r
Diagnostic-Code: smtp;{diagnostic}\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
{head}\r
\r
--b--\r
""".encode()


def reply(raw: bytes) -> bytes:
    """A vacation reply (RFC 3834)."""
    (name,) = re.findall(rb"(?m)^Message-ID: (\S+)", raw)
    return (
        b"From: <away@lab.test>\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To:"
        b" %b\r\nReferences: %b\r\n\r\nI am away.\r\n" % (name, name)
    )


def forbidden(raw: bytes) -> bytes:
    return notice(raw, "5.7.520", "550 5.7.520 Access denied, no external forwarding")


def plain_notice(raw: bytes) -> bytes:
    """A bounce of DragonFly's mail agent, which FreeBSD has: no RFC 3464."""
    return (
        b"From: MAILER-DAEMON <>\r\nSubject: Mail delivery failed\r\n\r\n"
        b"This is the DragonFly Mail Agent v0.13 at bsd.test.\r\n\r\n"
        b"There was an error delivering your mail to <nobody@lab.test>.\r\n\r\n"
        b"mx.lab.test [192.0.2.1] did not like our RCPT TO:\r\n550 5.1.1 No such user here\r\n\r\n"
        b"Message headers follow.\r\n\r\n" + raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    )


def riddle(raw: bytes) -> bytes:
    """A mailer daemon's text in an unknown language."""
    head = (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@lab.test\r\nSubject: nuqneH\r\n\r\nQapla'\r\n\r\n"
    )
    return head + raw.partition(b"\r\n\r\n")[0] + b"\r\n"


def shortened(raw: bytes) -> bytes:
    """A gateway that keeps the first lines of the text alone."""
    head, _, text = raw.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + b"\r\n".join(text.split(b"\r\n")[:4]) + b"\r\n"


def rewritten_text(raw: bytes) -> bytes:
    """A gateway that rewrites words, as those do that rewrite links."""
    return raw.replace(b"e-mail round-trip", b"[LINK REMOVED] round-trip")


HTML = '<p>Your invoice: <a href="https://pay.example.org/7">pay</a></p>'
INVOICE = {"html": HTML, "attachment": {"file": __file__, "name": "invoice.pdf"}}


def with_safe_links(raw: bytes) -> bytes:
    """A gateway that leads links by way of itself."""
    return raw.replace(b"https://pay.example.org/", b"https://safe.example.net/?u=")


def without_attachment(raw: bytes) -> bytes:
    """A gateway that puts a text in the place of attachments."""
    head, boundary, _ = raw.rpartition(b"Content-Type: application/pdf")
    note = b"Content-Type: text/plain\r\n\r\nThe attachment was removed.\r\n"
    (limit,) = re.findall(rb'multipart/mixed; boundary="([^"]+)"', raw)
    return head + note + b"--" + limit + b"--\r\n" if boundary else raw


def invoiced(change: Callable[[bytes], bytes]) -> Make:
    """An invoice of the user's own is brought as a server on the path has made it."""

    async def make(world: World) -> Changes:
        return {**await brought(change)(world), "roundtrip": INVOICE}

    return make


def reading(to: str, **more: object) -> Make:
    """A user of the lab whose mail has a fate; the notice of it comes to the sender, whose
    mailbox is read."""
    return given(roundtrip={"to": to, **more})


TRANSIT = (
    Fault(
        "The message disappears",
        "real servers accept it and discard it",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        "the log of the last server that accepted it: the token is in its Message-ID",
        reading("blackhole@lab.test"),
    ),
    Fault(
        "The recipient's mail is stored in another mailbox than the monitored one",
        "a real server, and a recipient that is another user",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        "whether the target is an address of the mailbox's `username`: send a message to it by"
        " hand, and look for that one",
        reading("probe@lab.test"),
    ),
    Fault(
        "A rule files the message in a folder that is not searched",
        "a real Sieve script, and `folders` without that folder",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        "`folders`; the rules of the account, and all its folders in a mail reader",
        given(roundtrip={"to": "junk@lab.test"}, imap={"username": "junk", "folders": ["INBOX"]}),
    ),
    Fault(
        "The message is slower than `timeout`",
        "a real server that delays it; it counts as late when it arrives",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        f"`mailtrip_late_total`; {QUEUE}",
        given(
            roundtrip={"to": "slow8@lab.test"}, module={"timeout": "5s", "session_timeout": "4s"}
        ),
    ),
    Fault(
        "A queue on the path is stopped",
        "a real exchanger that keeps what it accepts",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        QUEUE,
        given(),
        Lever.QUEUE,
    ),
    Fault(
        "The exchanger behind the relay is down",
        "the relay keeps the message",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        f"{QUEUE}: they name the unreachable server",
        given(),
        Lever.MX,
    ),
    Fault(
        "Nothing is stored in mailboxes",
        "the store behind a real exchanger is stopped",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        f"LMTP, the store's disk; {QUEUE}",
        given(smtp={"port": 25, "tls": "none", "username": None, "password": None}),
        Lever.STORE,
    ),
    Fault(
        "The exchanger defers the recipient again and again",
        "a real exchanger that answers 451 to the relay",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        QUEUE,
        reading("tempfail@lab.test"),
    ),
    Fault(
        "No exchanger of the domain can be reached",
        "a real relay, and a domain whose exchangers are down",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        QUEUE,
        reading("probe@alldead.test"),
    ),
    Fault(
        "The message bounces, and no mailbox of mailtrip receives the notification",
        "an unknown recipient, and `from` in another mailbox",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        "the mailbox of `from`; with it in `bounces`, the trip fails at once with the reason",
        given(roundtrip={"to": "nobody@lab.test", "from": "probe@lab.test"}),
    ),
    Fault(
        "Only an automatic reply arrives",
        "a reply with our Message-ID in `References`",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        "whether the recipient's mail is forwarded, or answered instead",
        brought(reply),
    ),
    Fault(
        "The mailbox that should answer does not answer",
        "`home: reply`, and a real server that accepts the message and discards it",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        "whether the responder is on; whether it has answered this sender already: `{trip}` in"
        " `from`",
        reading("blackhole@lab.test", home="reply"),
        says="no answer was seen",
    ),
    Fault(
        "The next server reports no deliveries",
        "`home: delivery_status`, and a real exchanger that relays to a server without DSN",
        Verdict(Phase.VERIFY, None, Reason.PROTOCOL, "relayed", Leg.DELIVERY),
        Known.NEWS,
        "the failure's text, which names both servers; `lmtp_assume_final` in Postfix if the next"
        " one stores the message",
        reading("slow2@lab.test", home="delivery_status"),
        says="delivery is not proven",
    ),
    Fault(
        "A server on the path does not know the recipient",
        "a real exchanger refuses an unknown recipient",
        delivery(Reason.BOUNCED, "5.1.1"),
        Known.NEWS,
        "`to`; whether the account was deleted",
        reading("nobody@lab.test"),
    ),
    Fault(
        "The message bounces with a text-only notification",
        "a notification from dma, which is not an RFC 3464 report",
        delivery(Reason.BOUNCED, "5.1.1"),
        Known.NEWS,
        "the text of the notification",
        brought(plain_notice),
    ),
    Fault(
        "Only an unclear notification arrives",
        "a mailer daemon's text in an unknown language",
        delivery(Reason.OVERDUE),
        Known.TIMEOUT,
        "the failure's text, which names the notification; `mailtrip_unclear_total` counts it",
        brought(riddle),
    ),
    Fault(
        "The recipient's mailbox is full, and the message bounces",
        "a real mailbox over its quota",
        delivery(Reason.BOUNCED, "5.2.2"),
        Known.NEWS,
        "the quota; who else writes to the monitored mailbox",
        reading("full@lab.test"),
    ),
    Fault(
        "A server on the path refuses by policy",
        "a real exchanger answers 554 5.7.1 to the relay",
        delivery(Reason.BOUNCED, "5.7.1"),
        Known.NEWS,
        "the text of the notification; blocklists, SPF, DKIM, DMARC",
        reading("reject@lab.test"),
    ),
    Fault(
        "The relay does not find the recipient's domain",
        "a real relay, and a domain that does not exist",
        delivery(Reason.BOUNCED, "5.4.4"),
        Known.NEWS,
        "the relay's resolver; whether the domain has expired",
        reading("probe@nxdomain.test"),
    ),
    Fault(
        "The relay finds a domain that accepts no mail",
        "a real relay, and a domain with a null MX",
        delivery(Reason.BOUNCED, "5.1.0"),
        Known.NEWS,
        "the MX record: `dig MX`",
        reading("probe@nullmx.test"),
    ),
    Fault(
        "Microsoft 365 does not forward to other organisations",
        "a notification with 5.7.520",
        delivery(Reason.BOUNCED, "5.7.520"),
        Known.NEWS,
        "the outbound spam policy of the forwarding mailbox's tenant",
        brought(forbidden),
    ),
    Fault(
        "The message is filed as spam",
        "a real server that files it in Junk",
        delivery(Reason.JUNK),
        Known.NEWS,
        "the filter's headers in the message; SPF, DKIM and DMARC of `from`",
        given(roundtrip={"to": "junk@lab.test"}, imap={"username": "junk"}),
    ),
    Fault(
        "The message's text is truncated",
        "it is stored without its last lines",
        delivery(Reason.ALTERED),
        Known.NEWS,
        "gateways, content filters, mailing lists on the path",
        brought(shortened),
    ),
    Fault(
        "The message's text is rewritten",
        "it is stored with a changed text",
        delivery(Reason.ALTERED),
        Known.NEWS,
        "gateways that rewrite links, add warnings inside, or translate",
        brought(rewritten_text),
    ),
    Fault(
        "Links in the HTML are rewritten",
        "it is stored with links that lead by way of a gateway",
        delivery(Reason.ALTERED),
        Known.NEWS,
        "gateways that check links when they are opened (Safe Links, URL defense)",
        invoiced(with_safe_links),
        says="the links in the HTML of the message were changed",
    ),
    Fault(
        "An attachment is removed",
        "it is stored with a text in the place of the attachment",
        delivery(Reason.ALTERED),
        Known.NEWS,
        "virus scanners and filters of attachments on the path",
        invoiced(without_attachment),
        says="the attachment invoice.pdf was removed",
    ),
    Fault(
        "The message is no longer signed",
        "a relay without DKIM, and `require: [dkim]`",
        delivery(Reason.UNAUTHENTICATED, "dkim=none"),
        Known.NEWS,
        "the signer; the key that the failure's text names",
        required("dkim"),
    ),
)
