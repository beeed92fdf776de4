"""What a machine's resolv.conf may hold, and still its names are found."""

from pathlib import Path

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.dns.resolver import Resolver
from tests.support.broken_nameserver import names_server

ODD = [
    b"nameserver localhost\n",
    b"nameserver 192.0.2.1:53\n",
    b"nameserver\n",
    b"# g\xe9n\xe9r\xe9 par nous\n",
    b"\xef\xbb\xbf; with a byte order mark\n",
    b"search a..b\n",
    b"search " + b"x" * 70 + b".test\n",
    b"domain\n",
    b"options\n",
    b"options ndots:x edns0 trust-ad\n",
    b"sortlist 192.0.2.0/255.255.255.0\n",
    b"what is this\n",
]


@pytest.mark.parametrize("line", ODD, ids=lambda line: line[:24].decode("ascii", "replace").strip())
async def test_an_odd_line_is_passed_over(tmp_path: Path, line: bytes) -> None:
    """The C library passes over it, so everything else on that machine works."""
    async with names_server(lambda name, kind: ["192.0.2.1"] if kind == "A" else []) as server:
        host, _, port = server.address.rpartition(":")
        file = tmp_path / "resolv.conf"
        file.write_bytes(line + f"nameserver {host}\n".encode() + line)
        assert await Resolver(resolv_conf=file, port=int(port)).addresses("a.test") == ["192.0.2.1"]


async def test_names_that_are_none_do_not_end_the_search(tmp_path: Path) -> None:
    async with names_server(lambda name, kind: ["192.0.2.1"] if kind == "A" else []) as server:
        host, _, port = server.address.rpartition(":")
        file = tmp_path / "resolv.conf"
        file.write_text(f"search a..b corp.test\nnameserver {host}\n")
        await Resolver(resolv_conf=file, port=int(port)).addresses("relay")
    assert {name for name, _ in server.asked} == {"relay.corp.test"}


async def test_without_a_name_server_the_cure_is_told(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver localhost\n")
    with pytest.raises(ProbeError, match=r"set resolver\.nameservers") as caught:
        await Resolver(resolv_conf=file).addresses("a.test")
    assert caught.value.reason is Reason.DNS
