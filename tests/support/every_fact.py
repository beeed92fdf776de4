"""A fact of each kind, and what people read of it."""

from exporter.core.facts import (
    Alteration,
    Altered,
    Answer,
    Arrival,
    ArrivedHeaders,
    Authentication,
    Change,
    Changes,
    Client,
    Disagreement,
    DnsRecords,
    FilterTest,
    Hop,
    InboxTab,
    LateArrival,
    LeftFrom,
    MailServer,
    RecordKind,
    SenderCheck,
    SpamScore,
    Unclear,
)
from exporter.core.heartbeat import Heartbeat
from exporter.core.home import Home
from exporter.core.model import (
    Exchanger,
    Fact,
    Listing,
    ListState,
    PlaintextFallback,
    QueriedList,
    Reply,
    TlsPolicy,
    TlsSession,
)
from exporter.core.phases import Leg
from tests.support.visits import VISITS

AT = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
DUE, EXPIRES, EARLIER = AT + 93_600.0, 1_800_000_000.0, 1_790_000_000.0
HOP = Hop(2, "mx.example.net", "relay.example", "192.0.2.7", "ESMTPS", AT, 1.0, 2.0)
TLS = TlsSession(
    Leg.SEND,
    "TLSv1.3",
    "AES256",
    EXPIRES,
    EARLIER,
    issuer="CN=R11",
    serial="03a1ff",
    client_certificate="CN=probe, valid until 2027-02-28",
)

EVERY_FACT: dict[Fact, tuple[str, ...]] = {
    Reply(250, "2.0.0 Ok: queued as 4jccl76F"): (
        "last SMTP reply: 250 2.0.0 Ok: queued as 4jccl76F",
        "queue name: 4jccl76F, in the log of the accepting server",
    ),
    Reply(550, "2.0.0 Ok: queued as 4jccl76F"): (
        "last SMTP reply: 550 2.0.0 Ok: queued as 4jccl76F",
    ),
    Exchanger("mx.example.net", 10, "192.0.2.1"): (
        "accepted by: mx.example.net [192.0.2.1] (MX 10)",
    ),
    VISITS[0]: (
        "exchanger: mx1.example.org [192.0.2.1] (MX 10)  OK, delivery delay 1.500 s, TLSv1.3 AES,"
        " certificate valid until 2027-01-15, a certificate above it until 2026-09-21",
    ),
    PlaintextFallback("mx.example.net", "no shared cipher"): (
        "no TLS: sent in plain text: no shared cipher",
    ),
    TlsPolicy("dane", "enforce"): ("TLS policy: dane, enforce",),
    TLS: (
        "TLS, send: TLSv1.3 AES256, certificate valid until 2027-01-15, a certificate above it"
        " until 2026-09-21",
        "certificate: issued by CN=R11, serial number 03a1ff",
        "our certificate: CN=probe, valid until 2027-02-28",
    ),
    HOP: (
        "hop 2: 1 s, mx.example.net, from relay.example [192.0.2.7], ESMTPS, its clock is 2 s"
        " behind",
    ),
    Hop(14, "", "", "", "", None, None, None): ("hop 14: unknown delay, (no name)",),
    LeftFrom("192.0.2.1"): ("left from: 192.0.2.1",),
    Client("192.0.2.1", "relay.example", "a@b.example"): (
        "delivered by: relay.example [192.0.2.1] for <a@b.example>, without TLS",
    ),
    Authentication("spf", "softfail"): ("SPF: softfail",),
    SenderCheck("dkim", "b.example", "pass", "signed by b.example", ""): (
        "DKIM, own check: pass: signed by b.example",
    ),
    Disagreement("dmarc", "fail", "pass"): (
        "DMARC differs: the receiver says fail, mailtrip pass",
    ),
    SpamScore("rspamd", -1.25): ("spam score: -1.25 (rspamd)",),
    FilterTest("code", "gtube"): ("filter test: test spam (GTUBE) must be refused",),
    Arrival("", "header", 0.1, None): (
        "found in: the mailbox, token in its header",
        "delivery delay: 0.100 s",
        "round trip: unknown: the mailbox was not polled often enough, or mailtrip itself was late",
    ),
    Alteration("text", Altered.CHANGED): ("altered: the text of the message was changed",),
    InboxTab("promotions"): ("tab of the inbox: promotions",),
    Answer(Home.REPLY, "a@b.example", "Away", AT, 2.1, 0.4, 0.5, None): (
        "came home: answer from a@b.example: Away",
        "written: 2023-11-14 22:13:20 UTC, by its clock",
        "legs: there 2.10 s, back 0.40 s; ± 0.50 s if its clock is right",
    ),
    ArrivedHeaders(("Received: by mx.example.net",)): (),
    LateArrival(AT, 3600.0, "INBOX", (HOP,), ("Received: by mx.example.net",)): (
        "arrived late: 2023-11-14 22:13:20 UTC, in INBOX",
        "delivery delay: 3600.000 s",
        "hop 2: 1 s, mx.example.net, from relay.example [192.0.2.7], ESMTPS, its clock is 2 s"
        " behind",
    ),
    Unclear("a@b.example", "Re: test", "What is this?"): (
        "unclear message: from a@b.example: Re: test: What is this?",
    ),
    Listing(
        "bl.example.net",
        "192.0.2.7",
        ListState.LISTED,
        ("127.0.0.2",),
        ("spam source",),
        delisting="https://bl.example.net/off",
    ): (
        "blocklist: 192.0.2.7 is listed on bl.example.net; 127.0.0.2  spam source; delisting:"
        " https://bl.example.net/off",
    ),
    QueriedList("bl.example.net", True): (),
    MailServer("mx.example.net", ("192.0.2.1",), "mx1"): (
        "server: mx.example.net [192.0.2.1], calls itself mx1",
    ),
    DnsRecords(RecordKind.MX, "b.example", ("10 mx.example.net",)): (
        "MX in DNS: b.example: 10 mx.example.net",
    ),
    DnsRecords(RecordKind.DKIM, "k1._domainkey.b.example", (f"v=DKIM1; p={'A' * 300}; s=email",)): (
        f"DKIM in DNS: k1._domainkey.b.example: v=DKIM1; p={'A' * 61}… s=email",
    ),
    Changes("good", AT, (Change("left_from", "", ("a",), ("b",)),), (), ("bl.example.net",)): (
        "changed: the leaving address: b instead of a",
        "listed on: bl.example.net",
    ),
    Heartbeat(AT, "a@b.example", "backup finished", "INBOX", DUE, 93_600.0, 0.0): (
        "last heartbeat: 2023-11-14 22:13:20 UTC from a@b.example: backup finished, in INBOX",
        "next one due by: 2023-11-16 00:13:20 UTC, one must come every 1 d 2 h",
    ),
    Heartbeat(None, "", "", "", DUE, 93_600.0, AT): (
        "last heartbeat: none since 2023-11-14 22:13:20 UTC, when mailtrip began to look",
        "next one due by: 2023-11-16 00:13:20 UTC, one must come every 1 d 2 h",
    ),
}
"""Each row as its name, a colon and the words, with times in UTC."""
