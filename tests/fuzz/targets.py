"""What is fuzzed: each target takes any bytes, and raises only when a parser breaks its promise."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime

from exporter.config.grammar import ip_of
from exporter.core.facts import ArrivedHeaders
from exporter.core.model import Fact
from exporter.mail.headers.authentication import METHODS, OTHER, RESULTS, authentication
from exporter.mail.headers.received import MAX_HOPS, hops
from exporter.mail.headers.receiver import left_from, trusted_part
from exporter.mail.headers.shown import shown
from exporter.mail.headers.spam import SCANNERS, spam_scores
from exporter.mail.message import Kind, headers, is_whole, read, received
from exporter.mail.mime import parse
from exporter.mail.tokens import PREFIX, Mint, candidates
from exporter.mailboxes.imap.folder import Folder
from exporter.net.imap.names import decode_folder, quote
from exporter.net.imap.reader import Malformed, Reader, attributes, folders, number
from exporter.net.imap.reply import Reply
from exporter.net.pop3.reply import UniqueIds, capabilities_in, reply_in, size_in
from exporter.net.smtpd.proxy_header import LONGEST as LONGEST_HEADER
from exporter.net.smtpd.proxy_header import MalformedHeader, header_in
from exporter.state.evidence import facts_readable, facts_written

SENT_AT = datetime(2025, 2, 1, tzinfo=UTC).timestamp()
TOKEN = Mint(b"k" * 32).mint(SENT_AT)
RECEIVER = "mx.example.net"


def arrived_headers(raw: bytes) -> None:
    """The hops, the address and what the receiver says: all from closed lists, bounded, and read
    from the state as they were."""
    outermost, way = (
        headers(parse(raw), TOKEN.word)[0],
        hops(received(parse(raw), TOKEN.word), SENT_AT, 60.0),
    )
    assert len(way) <= MAX_HOPS
    assert all(hop.delay is None or 0 <= hop.delay <= 60 for hop in way)
    assert len(trusted_part(outermost, RECEIVER)) <= len(outermost)
    for receiver in (RECEIVER, "mx.microsoft.com"):
        left_from(way, receiver).encode("ascii")
        results = authentication(outermost, receiver)
        assert len({one.method for one in results}) == len(results)
        assert all(one.method in METHODS and one.result in {*RESULTS, OTHER} for one in results)
    scores = spam_scores(outermost)
    assert all(one.scanner in SCANNERS and math.isfinite(one.score) for one in scores)
    facts: tuple[Fact, ...] = (*way, *results, *scores, ArrivedHeaders(shown([outermost])))
    assert facts_readable(facts_written(facts)) == facts


def message(raw: bytes) -> None:
    """What has become of our message; tokens found are words of the token's shape."""
    assert all(word.isascii() and word.isalnum() for word in read(raw).tokens)
    assert is_whole(parse(raw), TOKEN) in (True, False)


def bounce(raw: bytes) -> None:
    """A notification: its fields alone are anybody's, or the whole of it, with a null return path
    and without one."""
    names = f"References: <{TOKEN.word}@example.org>\r\n".encode()
    report = (
        b"Content-Type: multipart/report; report-type=delivery-status;"
        b" boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n"
    )
    fields = (
        names + report + b"Content-Type: message/delivery-status\r\n\r\n" + raw + b"\r\n--b--\r\n"
    )
    assert read(fields).kind is not Kind.MESSAGE
    readings = [read(way) for way in (fields, b"Return-Path: <>\r\n" + names + raw, names + raw)]
    for reading in readings:
        assert (reading.kind is Kind.MESSAGE) == (reading.about is None)
        assert reading.bounce or reading.kind is not Kind.BOUNCE
        if told := reading.bounce:
            words = [told.action, told.status, told.reporter, told.diagnostic, told.remote]
            words.append(told.recipient)
            assert told.action in ("failed", "delayed", "delivered", "relayed", "expanded", "")
            assert re.fullmatch(r"|[245]\.\d{1,3}\.\d{1,3}|[45]\d\d", told.status, re.ASCII)
            assert "\n" not in "".join(words)
            assert max(map(len, words)) <= 300
            for text in (told.diagnostic, told.recipient):
                assert PREFIX not in text.lower() or not candidates(text)


def imap(raw: bytes) -> None:
    """The same responses, however the bytes are cut; and whatever they hold can be looked at."""
    whole, pieces = _heard(raw, len(raw) or 1), _heard(raw, 1 + len(raw) % 7)
    assert whole == pieces


def imap_list(raw: bytes) -> None:
    """A line of LIST between two others: neither is hidden by it, and what is told of it can be
    said again."""
    line = b" ".join(raw.splitlines())
    if re.search(rb"\{\d+\+?\}$", line):  # a literal would swallow the next line, as it should
        return
    before, *between, after = Reader().feed(
        b'* LIST () "/" INBOX\r\n* LIST ' + line + b'\r\n* LIST () "/" Junk\r\n'
    )
    assert [one.name for one in folders([before, after])] == ["INBOX", "Junk"]
    assert len(between) == 1
    for folder in folders(between):
        assert len(folder.name) <= len(line)
        assert not set(folder.name) & set("\r\n\0")
        assert len(folder.delimiter) <= 1
        quote(folder.name).encode("utf-8", "surrogateescape")
        decode_folder(folder.name)


def imap_untagged(raw: bytes) -> None:
    """Untagged lines between a greeting and the end of a command: what they are about does not
    matter to either."""
    lines = b"".join(b"* " + line + b"\r\n" for line in raw.splitlines() if not line.endswith(b"}"))
    greeting, *between, end = Reader().feed(b"* OK ready\r\n" + lines + b"A1 OK done\r\n")
    assert (greeting.tag, greeting.name, end.tag, end.name) == ("*", "OK", "A1", "OK")
    folder = Folder("INBOX")
    folder.opened(between)
    for response in between:
        assert response.tag == "*"
        folder.observe(response)
        attributes(response)
        assert folder.exists >= 0
        assert folder.unseen >= 0
    reply = Reply("imap.example.org", "NO", end.code, between[-1].text if between else "", between)
    assert not (reply.passing and reply.mechanism_refused)


def _heard(raw: bytes, size: int) -> list[object]:
    reader, heard = Reader(), []
    try:
        for start in range(0, len(raw), size):
            for response in reader.feed(raw[start : start + size]):
                attributes(response)
                folders([response])
                for value in response.values:
                    number(value)
                heard.append(response)
    except Malformed as problem:
        return [*heard, str(problem)]
    return [*heard, reader.empty]


def pop3(raw: bytes) -> None:
    """Status lines and listings."""
    capabilities_in(raw)
    line = raw.partition(b"\n")[0].decode("utf-8", "replace")
    if reply := reply_in("pop.example.org", line):
        assert (reply.ok, reply.continues).count(True) <= 1
        size_in(reply)
    ids = UniqueIds()
    for one in raw.splitlines():
        ids.add(one)
    try:
        assert all(unique for _, unique in ids.found())
    except ValueError as problem:
        assert len(str(problem)) < 200


def proxy_header(raw: bytes) -> None:
    """What a load balancer says of its client: an address of the Internet, or none."""
    try:
        found = header_in(raw)
    except MalformedHeader:
        return
    if found and found.client:
        assert ip_of(found.client[0])
        assert 0 <= found.client[1] <= 65535
    assert found or len(raw) < LONGEST_HEADER


TARGETS: dict[str, Callable[[bytes], None]] = {
    "headers": arrived_headers,
    "message": message,
    "bounce": bounce,
    "imap": imap,
    "imap_list": imap_list,
    "imap_untagged": imap_untagged,
    "pop3": pop3,
    "proxy_header": proxy_header,
}
