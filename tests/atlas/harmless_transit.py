"""Disturbances between us and the mailbox that are none of anybody's faults."""

import asyncio
import base64
import quopri
import re
import time
from collections.abc import Callable

from exporter.app import App
from tests.atlas.dns_and_network import ELSEWHERE
from tests.atlas.table import Changes, Course, Disturbance, Make, Series, given
from tests.atlas.transit import notice, reply, riddle
from tests.atlas.world import World
from tests.lab.hop import rewritten
from tests.support.answers import silent_vacation, vacation
from tests.support.ports import free_port
from tests.support.smtp_witness import Act, Cut, Freeze, Reply, Stage

RETRIES, DUPLICATES, UNCLEAR = (
    frozenset({"retries"}),
    frozenset({"duplicates"}),
    frozenset({"unclear"}),
)
MAIN, SECOND = "127.0.0.2", "127.0.0.1"


def trip(make: Make) -> Course:
    """A whole trip with what is made, which must be a success."""

    async def course(world: World) -> Series:
        return await world.series(await make(world))

    return course


def first_exchanger(act: Callable[[], Act] | None, name: str = "first.example.test.") -> Make:
    """A domain with two exchangers; the second one delivers, and the first one does something
    else."""

    async def make(world: World) -> Changes:
        second = await world.courier(port=free_port())  # free on both addresses
        second.at_once = True
        if act:
            await world.witness(Stage.GREETING, act(), address=MAIN, port=second.port)
        zone = {
            "example.test": {"MX": [f"10 {name}", "20 second.example.test."]},
            "first.example.test": {"A": [MAIN]},
            "second.example.test": {"A": [SECOND]},
        }
        changes = {"resolver": await world.names(zone), "imap": {"host": world.lab.imap_ip}}
        return {
            **changes,
            "send": {"mx": {"port": second.port}},
            "roundtrip": {"to": "x@example.test"},
        }

    return make


def broken_tls(stage: Stage, act: Callable[[], Act]) -> Make:
    """An exchanger that offers STARTTLS, and goes wrong there."""

    async def make(world: World) -> Changes:
        courier = await world.courier()
        courier.at_once = True
        courier.witness.offers += ("STARTTLS",)
        courier.witness.always(stage, act())
        zone = {
            "example.test": {"MX": ["10 first.example.test."]},
            "first.example.test": {"A": [SECOND]},
        }
        changes = {"resolver": await world.names(zone), "imap": {"host": world.lab.imap_ip}}
        return {
            **changes,
            "send": {"mx": {"port": courier.port}},
            "roundtrip": {"to": "x@example.test"},
        }

    return make


async def policy_host_down(world: World) -> Changes:
    """A domain announces a policy that cannot be downloaded."""
    courier = await world.courier()
    courier.at_once = True
    zone = {
        "example.test": {"MX": ["10 first.example.test."]},
        "first.example.test": {"A": [SECOND]},
        "_mta-sts.example.test": {"TXT": ['"v=STSv1; id=1;"']},
        "mta-sts.example.test": {"A": [world.lab.dead_ip]},
    }
    changes = {"resolver": await world.names(zone), "imap": {"host": world.lab.imap_ip}}
    return {
        **changes,
        "send": {"mx": {"port": courier.port, "tls": "mta_sts"}},
        "roundtrip": {"to": "x@example.test"},
    }


async def greylisted(world: World) -> Changes:
    """From a sender that no other row has: the exchanger remembers whom it has put off."""
    await asyncio.to_thread(world.lab.user("grey").purge)
    changes = given(
        send={"mx": {"source_address": "<mon>", "retry_after": "1s"}},
        roundtrip={"from": "greylisted@lab.test", "to": "grey@lab.test"},
        imap={"username": "grey"},
    )
    return await changes(world)


async def dead_first_address(world: World) -> Changes:
    courier = await world.courier()
    courier.at_once = True
    zone = {"two.test": {"AAAA": ["::1"], "A": ["127.0.0.1"]}}
    changes = {"resolver": await world.names(zone), "imap": {"host": world.lab.imap_ip}}
    return {**changes, "smtp": {**ELSEWHERE, "host": "two.test", "port": courier.port}}


async def slow_names(world: World) -> Changes:
    courier = await world.courier()
    courier.at_once = True
    zone = {"slow.test": {"A": ["127.0.0.1"]}, "imap.lab.test": {"A": [world.lab.imap_ip]}}
    changes = {"resolver": {**await world.names(zone, delay=0.5), "timeout": "3s"}}
    return {**changes, "smtp": {**ELSEWHERE, "host": "slow.test", "port": courier.port}}


def ends(stage: Stage, act: Callable[[], Act]) -> Make:
    """The relay delivers the message, and misbehaves after that."""

    async def make(world: World) -> Changes:
        courier = await world.courier()
        courier.at_once = True
        if stage is Stage.DOT:
            courier.last_act = act()
        else:
            courier.witness.always(stage, act())
        return {"smtp": courier.options}

    return make


def brought(*changes: Callable[[bytes], bytes]) -> Make:
    """The message comes in these shapes, one after the other."""

    async def make(world: World) -> Changes:
        courier = await world.courier()

        async def then(app: App) -> None:
            raw = await courier.message()
            for change in changes:
                await courier.bring(change(raw))

        world.then = then
        return {"smtp": courier.options}

    return make


def answered(*changes: Callable[[bytes], bytes]) -> Make:
    """The same, and an answer is awaited."""

    async def make(world: World) -> Changes:
        trip = {"home": "reply", "from": world.filled("<user>+{trip}@lab.test")}
        return {**await brought(*changes)(world), "roundtrip": trip}

    return make


def other_subject(raw: bytes) -> bytes:
    return re.sub(rb"(?m)^Subject: .*$", b"Subject: [EXTERNAL] Please read", raw)


def without_our_headers(raw: bytes) -> bytes:
    return re.sub(rb"(?m)^(X-|Auto-Submitted|Message-ID).*\r\n", b"", raw)


def footer(raw: bytes) -> bytes:
    return (
        raw.rstrip()
        + b"\r\n\r\n-- \r\nThis message is confidential. Think before you print it.\r\n"
    )


def encoded(raw: bytes, how: str, encode: Callable[[bytes], bytes]) -> bytes:
    head, _, text = raw.partition(b"\r\n\r\n")
    head = re.sub(rb"(?m)^(Content-Transfer-Encoding): .*$", rb"\1: " + how.encode(), head)
    return head + b"\r\n\r\n" + encode(text)


def quoted_printable(raw: bytes) -> bytes:
    return encoded(raw, "quoted-printable", lambda text: quopri.encodestring(text, quotetabs=True))


def base_64(raw: bytes) -> bytes:
    return encoded(raw, "base64", base64.encodebytes)


def attached(raw: bytes) -> bytes:
    return rewritten(raw, "someone@lab.test")


def delayed(raw: bytes) -> bytes:
    return notice(raw, "4.4.1", "connection timed out", "delayed")


NEXT = "tries the next one at once"

LEAVING = (
    Disturbance(
        "The first exchanger is down", "nothing listens there", NEXT, trip(first_exchanger(None))
    ),
    Disturbance(
        "The first exchanger answers 4xx",
        "`451 4.3.0` as its greeting",
        NEXT,
        trip(first_exchanger(lambda: Reply("451 4.3.0 not now"))),
    ),
    Disturbance(
        "The first exchanger refuses us",
        "`554 5.7.1` as its greeting",
        NEXT,
        trip(first_exchanger(lambda: Reply("554 5.7.1 not you"))),
    ),
    Disturbance(
        "The first exchanger sends nothing",
        "it accepts the connection and sends no greeting",
        "tries the next one after `session_timeout`",
        trip(first_exchanger(Freeze)),
    ),
    Disturbance(
        "The first exchanger does not exist",
        "an MX record with a name that is NXDOMAIN",
        NEXT,
        trip(first_exchanger(None, "gone.example.test.")),
    ),
    Disturbance(
        "The exchanger defers the message at first (greylisting)",
        "a real exchanger that answers 450 for three seconds",
        "sends the message again, as mail servers do, and counts it in `mailtrip_retries_total`",
        trip(greylisted),
        RETRIES,
    ),
    Disturbance(
        "The relay has two addresses, and one is dead",
        "nothing listens on its IPv6 address",
        "tries the other one at the same time (RFC 8305)",
        trip(dead_first_address),
    ),
    Disturbance(
        "The name server is slow",
        "every answer takes half a second",
        "waits, within `resolver.timeout`",
        trip(slow_names),
    ),
    Disturbance(
        "The relay does not answer QUIT",
        "it sends nothing after it has accepted the message",
        "disconnects after two seconds: the relay has accepted the message",
        trip(ends(Stage.QUIT, Freeze)),
    ),
    Disturbance(
        "The connection breaks before the relay's reply to the whole message",
        "it delivers the message and closes the connection",
        "does not send again, and waits for the message: it may have been accepted",
        trip(ends(Stage.DOT, Cut)),
    ),
)

TRANSIT = (
    Disturbance(
        "The message arrives twice",
        "two copies are stored in a real mailbox",
        "deletes both, and counts one in `mailtrip_duplicates_total`",
        trip(brought(bytes, bytes)),
        DUPLICATES,
    ),
    Disturbance(
        "An automatic answer names nothing of the message",
        "`home: reply`, `{trip}` in `from`, and an answer without a Message-ID or token of ours",
        "recognises it by the address that it came to",
        trip(answered(lambda raw: silent_vacation(raw, time.time()))),
    ),
    Disturbance(
        "The message itself arrives as well as the answer",
        "`home: reply`, and a copy of the message before the answer",
        "takes the answer as the arrival, and deletes both",
        trip(answered(bytes, lambda raw: vacation(raw, time.time()))),
    ),
    Disturbance(
        "A vacation reply arrives before the message",
        "a reply with our Message-ID in `References`",
        "deletes it and continues to wait",
        trip(brought(reply, bytes)),
    ),
    Disturbance(
        "A delay notification arrives before the message",
        "a delivery status notification with the action `delayed`",
        "deletes it and continues to wait",
        trip(brought(delayed, bytes)),
    ),
    Disturbance(
        "The exchanger offers STARTTLS and refuses it",
        "`454 4.7.0` to STARTTLS",
        "sends the message in plain text over another connection, as mail servers do, and sets "
        "`mailtrip_tls_plaintext_fallback`",
        trip(broken_tls(Stage.STARTTLS, lambda: Reply("454 4.7.0 no TLS now"))),
    ),
    Disturbance(
        "The exchanger closes the connection in the TLS handshake",
        "it closes the connection after the ClientHello",
        "does the same",
        trip(broken_tls(Stage.TLS, Cut)),
    ),
    Disturbance(
        "A domain announces an MTA-STS policy, and the host of the policy is down",
        "a host that refuses connections, and `tls: mta_sts`",
        "sends the message as without a policy, and sets `mailtrip_tls_policy_problem`",
        trip(policy_host_down),
    ),
    Disturbance(
        "An unclear notification arrives before the message",
        "a mailer daemon's text in an unknown language",
        "counts it in `mailtrip_unclear_total`, shows it on the trip, and continues to wait",
        trip(brought(riddle, bytes)),
        UNCLEAR,
    ),
    Disturbance(
        "A forwarder rewrites the subject",
        "`[EXTERNAL] Please read`",
        "finds its token in the header",
        trip(brought(other_subject)),
    ),
    Disturbance(
        "A server removes our headers",
        "no `X-`, no `Message-ID`, no `Auto-Submitted`",
        "finds its token in the subject",
        trip(brought(without_our_headers)),
    ),
    Disturbance(
        "A server removes our headers and rewrites the subject",
        "both of these",
        "finds its token in the text",
        trip(brought(lambda raw: other_subject(without_our_headers(raw)))),
    ),
    Disturbance(
        "A footer is added",
        "a disclaimer below the text",
        "recognises its own text",
        trip(brought(footer)),
    ),
    Disturbance(
        "The text is encoded again as quoted-printable",
        "as a gateway that is not 8-bit clean does",
        "decodes it",
        trip(brought(quoted_printable)),
    ),
    Disturbance(
        "The text is encoded again as base64",
        "as Exchange does",
        "decodes it",
        trip(brought(base_64)),
    ),
    Disturbance(
        "The message is forwarded as an attachment",
        "another message with ours as `message/rfc822`",
        "finds its token in the attachment",
        trip(brought(attached)),
    ),
)
