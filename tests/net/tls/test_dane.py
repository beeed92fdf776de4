"""Which certificates TLSA records allow, and OpenSSL as the referee: it does in a handshake what we
do afterwards."""

import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from exporter.net.tls.dane import refusal
from exporter.net.tls.tlsa import Tlsa, usable
from tests.support.chains import HOST, CertifiedKey, issue, server_context, tlsa, written

Record = tuple[int, int, int]
ROOT = issue("Root", is_ca=True)
MIDDLE = issue("Middle", ROOT, is_ca=True)
LEAF = issue(HOST, MIDDLE, hosts=[HOST])
OTHER = issue(HOST, hosts=[HOST])
WHOLE = (LEAF, MIDDLE, ROOT)


def below(*path: CertifiedKey, **how: object) -> tuple[CertifiedKey, ...]:
    """A server's certificate below these CAs, and they."""
    return (issue(HOST, path[0], **({"hosts": [HOST]} | how)), *path)  # type: ignore[arg-type]


def chain_of(*ca: dict[str, object], **leaf: object) -> tuple[CertifiedKey, ...]:
    """CAs from the top down, each with what is special about it, and a server's certificate."""
    path: list[CertifiedKey] = []
    for number, how in enumerate(ca):
        how = {"is_ca": True} | how
        path.insert(0, issue(f"CA {number}", path[0] if path else None, **how))  # type: ignore[arg-type]
    return below(*path, **leaf)


@dataclass(frozen=True)
class DaneCase:
    """What a server sends, and what is published."""

    name: str
    chain: tuple[CertifiedKey, ...]
    records: tuple[Tlsa, ...]
    allows: bool


def case(
    name: str,
    allows: bool,
    chain: tuple[CertifiedKey, ...],
    number: int = -1,
    kind: Record = (2, 0, 1),
) -> DaneCase:
    """A record for one of the chain."""
    return DaneCase(name, chain, (tlsa(chain[number], *kind),), allows)


EXPIRED, FUTURE = (-30, -1), (1, 30)
WRONG = Tlsa(3, 1, 1, bytes(32))
CASES = [
    *(
        DaneCase(f"3 {selector} {matching}", WHOLE, (tlsa(LEAF, 3, selector, matching),), True)
        for selector in (0, 1)
        for matching in (0, 1, 2)
    ),
    *(
        DaneCase(f"2 {selector} {matching}", WHOLE, (tlsa(ROOT, 2, selector, matching),), True)
        for selector in (0, 1)
        for matching in (0, 1, 2)
    ),
    DaneCase("3, the certificate of the CA", WHOLE, (tlsa(ROOT, 3, 0, 1),), False),
    DaneCase("3, of another", WHOLE, (tlsa(OTHER, 3, 1, 1),), False),
    DaneCase("one of two", WHOLE, (WRONG, tlsa(LEAF, 3, 1, 1)), True),
    DaneCase("one of two usages", WHOLE, (WRONG, tlsa(ROOT, 2, 0, 1)), True),
    DaneCase(
        "the stronger digest counts",
        WHOLE,
        (tlsa(LEAF, 3, 1, 1), Tlsa(3, 1, 2, bytes(64))),
        False,
    ),
    DaneCase("and it matches", WHOLE, (tlsa(LEAF, 3, 1, 2), WRONG), True),
    DaneCase(
        "the stronger digest of another selector",
        WHOLE,
        (tlsa(LEAF, 3, 1, 1), Tlsa(3, 0, 2, bytes(64))),
        True,
    ),
    DaneCase(
        "the whole beside a stronger digest",
        WHOLE,
        (tlsa(LEAF, 3, 1, 0), Tlsa(3, 1, 2, bytes(64))),
        True,
    ),
    case("3, expired", True, below(ROOT, days=EXPIRED), 0, (3, 1, 1)),
    case("3, other name", True, below(ROOT, hosts=["other.test"]), 0, (3, 1, 1)),
    DaneCase("2, the one in the middle", WHOLE, (tlsa(MIDDLE, 2, 0, 1),), True),
    DaneCase("2, of the server itself", WHOLE, (tlsa(LEAF, 2, 0, 1),), False),
    DaneCase("2, self-signed", (OTHER,), (tlsa(OTHER, 2, 0, 1),), False),
    DaneCase("2, root not sent", (LEAF, MIDDLE), (tlsa(ROOT, 2, 0, 1),), False),
    DaneCase("2, root not sent, but published whole", (LEAF, MIDDLE), (tlsa(ROOT, 2, 0, 0),), True),
    DaneCase("2, middle not sent", (LEAF, ROOT), (tlsa(ROOT, 2, 0, 1),), False),
    DaneCase("2, in another order", (LEAF, ROOT, MIDDLE), (tlsa(ROOT, 2, 0, 1),), True),
    DaneCase("2, of another", WHOLE, (tlsa(OTHER, 2, 0, 1),), False),
    DaneCase("2, sent and not above it", (LEAF, OTHER), (tlsa(OTHER, 2, 0, 1),), False),
    case("2, expired", False, chain_of({}, days=EXPIRED)),
    case("2, not yet valid", False, chain_of({}, days=FUTURE)),
    case("2, the CA expired", False, chain_of({"days": EXPIRED})),
    case("2, the middle expired", False, chain_of({}, {"days": EXPIRED})),
    case("2, the root above expired", True, chain_of({"days": EXPIRED}, {}), 1),
    case("2, other name", False, chain_of({}, hosts=["other.test"])),
    case("2, a name of several", True, chain_of({}, hosts=["other.test", HOST.upper()])),
    case("2, wildcard", True, chain_of({}, hosts=["*.example.test"])),
    case("2, wildcard above", False, chain_of({}, hosts=["*.test"])),
    case("2, common name", True, chain_of({}, hosts=[])),
    case("2, common name beside others", False, chain_of({}, hosts=["x.test"])),
    case("2, no CA", False, chain_of({}, {"is_ca": False})),
    case("2, a CA that says nothing", False, chain_of({}, {"is_ca": None})),
    case("2, too long", False, chain_of({"length": 0}, {})),
    case("2, long enough", True, chain_of({"length": 1}, {})),
    case("2, may not sign", False, chain_of({}, {"signs": False})),
    case("2, may sign", True, chain_of({"signs": True}, {"signs": True})),
    case("2, for clients", False, chain_of({}, serves=False)),
    case("2, for servers", True, chain_of({}, serves=True)),
]


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_it_is_what_openssl_decides(servers: None, one: DaneCase) -> None:
    chain = [sent.der for sent in one.chain]
    refused = refusal(usable(one.records), chain, {HOST}, time.time())
    assert (not refused) == one.allows, refused
    assert openssl_allows(one) == one.allows


@contextmanager
def served(chain: Sequence[CertifiedKey]) -> Iterator[int]:
    """The port of a server that sends these certificates to one client."""
    context = server_context(*chain)

    def serve() -> None:
        with suppress(OSError, ssl.SSLError):
            connection, _ = listening.accept()
            with connection, context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def openssl_allows(one: DaneCase) -> bool:
    records = [
        word for published in one.records for word in ("-dane_tlsa_rrdata", written(published))
    ]
    with served(one.chain) as port:
        done = subprocess.run(
            [
                *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-brief"),
                *("-servername", HOST, "-dane_tlsa_domain", HOST, "-dane_ee_no_namechecks"),
                *records,
            ],
            input="",
            capture_output=True,
            text=True,
            timeout=20,
        )
    return bool(re.search(r"^Verification: OK$", done.stdout + done.stderr, re.MULTILINE))


def test_a_renewed_certificate_is_named_with_the_record_that_it_needs() -> None:
    published = [tlsa(OTHER, 3, 1, 1)]
    needed = tlsa(LEAF, 3, 1, 1).data.hex()
    why = refusal(published, [LEAF.der], {HOST}, time.time())
    assert why == f"it matches none of the TLSA records; if it was renewed, publish 3 1 1 {needed}"
    needed = tlsa(LEAF, 3, 0, 2).data.hex()
    assert needed in refusal([tlsa(OTHER, 3, 0, 2)], [LEAF.der], {HOST}, time.time())


@pytest.mark.parametrize(
    "own",
    [b"", b"0", b"no certificate", LEAF.der[:100]],
    ids=["empty", "a digit", "words", "the beginning of one"],
)
@pytest.mark.parametrize("kind", [(3, 1, 1), (3, 0, 1), (2, 0, 1), (2, 1, 2)])
def test_what_cannot_be_read_is_refused(own: bytes, kind: Record) -> None:
    assert refusal([tlsa(ROOT, *kind)], [own, ROOT.der], {HOST}, time.time())
    assert refusal([tlsa(ROOT, *kind)], [], {HOST}, time.time())


def test_very_many_records_take_no_long_time() -> None:
    """As many as a message of DNS can hold."""
    records = [
        Tlsa(usage, 1, 1, bytes([n & 255, n >> 8]) * 16) for n in range(700) for usage in (2, 3)
    ]
    chain = [one.der for one in WHOLE]
    began = time.thread_time()
    assert refusal(usable(records), chain, {HOST}, time.time())
    assert time.thread_time() - began < 0.1
    assert not refusal([*records, tlsa(ROOT, 2, 1, 1)], chain, {HOST}, time.time())
