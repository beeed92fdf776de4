"""What our own receiver writes above a message reads as the hop that it is."""

from email import message_from_bytes
from email.policy import compat32

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.mail.headers.received import hops
from exporter.mail.headers.stamp import stamp
from exporter.mail.message import received
from exporter.mail.mime import parse
from tests.mail.headers.test_received import SENT_AT, TOOK, WORD, line


def test_our_trace_reads_as_the_hop_that_we_are() -> None:
    raw = (
        stamp("[192.0.2.7]", "2001:db8::1", "mon.test", "ESMTPS", "probe@example.org", SENT_AT)
        + b"Subject: x\r\n\r\n"
    )
    assert (
        raw == b"Return-Path: <probe@example.org>\r\n"
        b"Received: from [192.0.2.7] ([IPv6:2001:db8::1])\r\n"
        b"\tby mon.test with ESMTPS;\r\n"
        b"\tSat, 01 Feb 2025 10:11:10 +0000\r\n"
        b"Subject: x\r\n\r\n"
    )
    (hop,) = hops(received(parse(raw), WORD), SENT_AT, TOOK)
    assert line(hop) == "1  mon.test  10:11:10  +0 s  from [192.0.2.7] [2001:db8::1]  ESMTPS"


@given(st.text(), st.text())
@example("a\r\nSubject: forged", "a\r\nSubject: forged@example.org")
@example("a\n\n", "a\n\n")
@example("(by mx.example.org", "é\udcff@example.org")
def test_a_client_can_write_nothing_of_its_own_into_our_trace(helo: str, sender: str) -> None:
    raw = stamp(helo, "192.0.2.1", "mon.test", "ESMTP", sender, SENT_AT)
    message = message_from_bytes(raw + b"\r\nbody", policy=compat32)
    assert message.keys() == ["Return-Path", "Received"]
    assert message.get_payload() == "body"
    (hop,) = hops(received(parse(raw), WORD), SENT_AT, TOOK)
    assert (hop.by, hop.address, hop.protocol, hop.delay) == ("mon.test", "192.0.2.1", "ESMTP", 0)


def test_a_recipient_is_named_where_servers_name_it() -> None:
    raw = stamp("a", "192.0.2.1", "mon.test", "ESMTP", "", SENT_AT, "probe+x@mon.test\r\nX: y")
    message = message_from_bytes(raw + b"\r\n", policy=compat32)
    assert message.keys() == ["Return-Path", "Received"]
    assert "\r\n\tfor <probe+x@mon.test??X: y>;\r\n" in raw.decode()
    (hop,) = hops(received(parse(raw), WORD), SENT_AT, TOOK)
    assert (hop.by, hop.protocol, hop.at) == ("mon.test", "ESMTP", SENT_AT // 1)
