"""Whatever a message and the records of strangers say, every method has a result, and none raises
an error."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.authentication import Authenticator
from exporter.core.facts import Client
from exporter.core.one_line import one_line
from exporter.core.timing.clock import Clock
from exporter.net.dns.answer import Answer, DnsResult
from exporter.net.dns.queries import RecordType
from tests.support import virtual_time as virtual
from tests.support.signing import sealed, signed

WORDS = (
    *(
        "v=spf1",
        "v=DMARC1;",
        "v=DKIM1;",
        "p=",
        "p=reject;",
        "k=rsa;",
        "k=ed25519;",
        "t=s;",
        "sp=x;",
    ),
    *(
        "a",
        "mx",
        "ptr",
        "-all",
        "?all",
        "include:a.example",
        "redirect=b.example",
        "exists:%{i}.x.example",
    ),
    *(
        "a:%{d2r-.}.example/24//64",
        "ip4:192.0.2.0/24",
        "ip6:::/0",
        "exp=%{c}.example",
        "%{",
        "/",
        "=",
        ";",
    ),
    *(
        "psd=y;",
        "psd=n;",
        "np=none;",
        "rua=mailto:a@b.example;",
        "10 mx.example.",
        "0 .",
        "mx.example.",
    ),
    *("192.0.2.1", "2001:db8::1", "MCowBQYDK2VwAyEA", "AAAA", "\ufffd", "\x00", " "),
)
RECORDS = st.lists(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), max_size=3)
ADDRESSES = st.lists(st.sampled_from(["192.0.2.1", "198.51.100.9"]), max_size=12)
TEXTS = st.text(max_size=40) | st.sampled_from(
    ["a@a.example", "b.example", "x@[192.0.2.1]", "@", ""]
)
GOOD = sealed(signed(), 1, "one.example")


class Strangers:
    """Answers every query with the next of these records."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    async def query(self, name: str, kind: RecordType) -> Answer:
        result = self._data.draw(st.sampled_from(DnsResult))
        if result is not DnsResult.RECORDS:
            return Answer(result)
        if kind in ("A", "AAAA"):
            addresses = self._data.draw(ADDRESSES)
            return Answer(
                result, tuple(one if kind == "A" else f"::ffff:{one}" for one in addresses)
            )
        return Answer(result, tuple(self._data.draw(RECORDS)))


@given(st.data())
def test_every_method_has_a_result(data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(0, 8))):
        place = data.draw(st.integers(0, len(raw)))
        length = data.draw(st.integers(0, 30))
        raw[place : place + length] = data.draw(
            st.binary(max_size=10)
            | st.sampled_from(
                [b"\r\n", b"\n", b";", b"=", b"i=2", b"\r\nFrom: x@b.example\r\n", b"ARC-Seal: "]
            )
        )
    client = Client("192.0.2.1", data.draw(TEXTS), data.draw(TEXTS))
    facts = virtual.run(Authenticator(Strangers(data), Clock()).authenticate(bytes(raw), client))
    assert [fact.method for fact in facts] == ["spf", "dkim", "dmarc", "arc", "iprev"]
    assert all(fact.why and fact.why == one_line(fact.why) for fact in facts)
