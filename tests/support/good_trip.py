"""The facts of a trip that succeeded, with parts that a test may change."""

from dataclasses import replace

from exporter.core.dns_records import exchanger_records, records
from exporter.core.facts import (
    Arrival,
    Client,
    DnsRecords,
    Hop,
    LeftFrom,
    MailServer,
    RecordKind,
    SenderCheck,
    SpamScore,
)
from exporter.core.model import Exchanger, Fact, Reply, TlsPolicy, TlsSession
from exporter.core.phases import Leg

MX1, MX2 = "mx1.example.net", "mx2.example.net"
SPF = "v=spf1 ip4:192.0.2.0/24 -all"
DMARC = "v=DMARC1; p=none"
KEY = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0B"

EXCHANGERS = exchanger_records("example.net", [Exchanger(MX1, 10), Exchanger(MX2, 20)])
SERVER = MailServer(MX1, ("198.51.100.1", "198.51.100.2"), MX1, "192.0.2.7")
CERTIFICATE = TlsSession(
    Leg.SEND,
    "TLSv1.3",
    "TLS_AES_256_GCM_SHA384",
    1_800_000_000.0,
    1_800_000_000.0,
    "CN=CA",
    "01",
    host=MX1,
    fingerprint="ab" * 32,
)
MAILBOX = replace(CERTIFICATE, leg=Leg.MAILBOX, host="imap.example.net", fingerprint="cd" * 32)
WAY = (
    Hop(1, "mail.example.org", "probe", "192.0.2.9", "ESMTPSA", 1.0, 0.0, 0.0),
    Hop(2, MX1, "mail.example.org", "192.0.2.7", "ESMTPS", 2.0, 1.0, 0.0),
    Hop(3, "store.example.net", MX1, "198.51.100.1", "LMTP", 3.0, 1.0, 0.0),
)
LEFT_FROM = LeftFrom("192.0.2.7")
CLIENT = Client("192.0.2.7", "mail.example.org", "probe@example.org", "TLSv1.3", "AES")
SPF_RECORD = records(RecordKind.SPF, "example.org", [SPF])
DMARC_RECORD = records(RecordKind.DMARC, "_dmarc.example.org", [DMARC])
DKIM_RECORD = records(RecordKind.DKIM, "k1._domainkey.example.org", [KEY])
RESULTS = tuple(
    SenderCheck(method, "example.org", "pass", "", "") for method in ("spf", "dkim", "dmarc")
)
SCORE = SpamScore("rspamd", 1.2)
POLICY = TlsPolicy("mta_sts", "enforce")
ARRIVAL = Arrival("INBOX", "header", 1.0, 2.0)

GOOD: tuple[Fact, ...] = (
    EXCHANGERS,
    SERVER,
    CERTIFICATE,
    POLICY,
    Reply(250, "taken"),
    MAILBOX,
    *WAY,
    LEFT_FROM,
    SPF_RECORD,
    DMARC_RECORD,
    DKIM_RECORD,
    *RESULTS,
    SCORE,
    ARRIVAL,
)


def instead(*changed: tuple[Fact, Fact | None], more: tuple[Fact, ...] = ()) -> tuple[Fact, ...]:
    """A good trip with other facts in place of some, or none (None), and more at its end."""
    others = {id(old): new for old, new in changed}
    found = (others.get(id(fact), fact) for fact in GOOD)
    return (*(fact for fact in found if fact is not None), *more)


def lost(record: DnsRecords) -> DnsRecords:
    return replace(record, texts=())
