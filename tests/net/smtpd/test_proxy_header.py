"""The header of the PROXY protocol, as HAProxy's specification has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.smtpd.proxy_header import LONGEST, MalformedHeader, ProxyHeader, header_in

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
REST = b"EHLO x\r\n"


def second(command: int, kind: int, body: bytes) -> bytes:
    return SIGNATURE + bytes([command, kind]) + len(body).to_bytes(2) + body


IPV4 = bytes([192, 0, 2, 7, 198, 51, 100, 1]) + (40000).to_bytes(2) + (25).to_bytes(2)
IPV6 = bytes.fromhex("20010db8" + "00" * 11 + "07" + "20010db8" + "00" * 11 + "01") + IPV4[8:]
MAPPED = bytes.fromhex("00" * 10 + "ffff" + "c0000207") * 2 + IPV4[8:]
GOOD = {
    b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n": ("192.0.2.7", 40000),
    b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n": ("2001:db8::7", 40000),
    b"PROXY TCP6 ::ffff:192.0.2.7 ::1 40000 25\r\n": ("192.0.2.7", 40000),
    b"PROXY UNKNOWN\r\n": None,
    b"PROXY UNKNOWN ff:ff:ff ff 1 1\r\n": None,
    second(0x21, 0x11, IPV4): ("192.0.2.7", 40000),
    second(0x21, 0x11, IPV4 + b"\3\0\4abcd"): ("192.0.2.7", 40000),
    second(0x21, 0x21, IPV6): ("2001:db8::7", 40000),
    second(0x21, 0x21, MAPPED): ("192.0.2.7", 40000),
    second(0x20, 0x00, b""): None,
    second(0x20, 0x11, IPV4): None,
    second(0x21, 0x00, b""): None,
    second(0x21, 0x31, b"\0" * 216): None,
}
BAD = [
    b"EHLO client.example\r\n",
    b"\r\nPROXY",
    b"PROXY  TCP4 192.0.2.7 198.51.100.1 40000 25\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
    b"PROXY TCP4 192.0.2.777 198.51.100.1 40000 25\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 99999\r\n",
    b"PROXY TCP4 fe80::1%eth0 fe80::2 40000 25\r\n",
    b"PROXY TCP5 192.0.2.7 198.51.100.1 40000 25\r\n",
    b"PROXY TCP4 \xd9\xa1.0.2.7 198.51.100.1 40000 25\r\n",
    b"PROXY " + b"x" * 101,
    b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    SIGNATURE + b"\x11\x11\0\x0c" + IPV4,
    second(0x22, 0x11, IPV4),
    second(0x21, 0x11, IPV4[:-1]),
    second(0x21, 0x21, IPV4),
    second(0x21, 0x11, b"x" * LONGEST),
]


@pytest.mark.parametrize("number", range(len(GOOD)))
def test_who_the_client_is(number: int) -> None:
    header, client = list(GOOD.items())[number]
    assert header_in(header + REST) == ProxyHeader(len(header), client)
    for end in range(len(header)):
        assert header_in(header[:end]) is None


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_is_no_header(number: int) -> None:
    with pytest.raises(MalformedHeader):
        header_in(BAD[number])


@given(
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21"]), st.binary()
)
def test_any_beginning_has_an_end(beginning: bytes, rest: bytes) -> None:
    data = beginning + rest
    try:
        found = header_in(data)
    except MalformedHeader as problem:
        assert len(str(problem)) < 100
        return
    if found is None:
        assert len(data) < LONGEST
    else:
        assert 0 < found.size <= len(data)
