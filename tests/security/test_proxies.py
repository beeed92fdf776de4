"""What a proxy, and the servers behind it, can make of its password."""

import asyncio
from base64 import b64encode

import pytest

from tests.support.name_server import names
from tests.support.proxies import PASSWORD, USER, scripted
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send


@pytest.mark.parametrize("password", [PASSWORD, "hush"])
@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_password_of_a_proxy(kind: str, password: str) -> None:
    """The password of a proxy is sent only to the proxy, and is hidden like all others, even if the
    proxy or a server behind it repeats it."""
    heard, encoded = bytearray(), b64encode(f"{USER}:{password}".encode()).decode()

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = {
            "socks5": [b"\5\2", b"\1\0", b"\5\0\0\1\0\0\0\0\0\0"],
            "http": [f"HTTP/1.1 200 {password}\r\nA: {encoded}\r\n\r\n".encode()],
        }
        for answer in answers[kind]:
            heard.extend(await reader.read(4096))
            writer.write(answer)
        writer.write(f"554-no {password}\r\n554 no {encoded}\r\n".encode())
        heard.extend(b"-- " + await reader.read())

    async with names({}) as resolver, scripted(repeat) as place:
        url = f"{kind}://{USER}:{password}@{place}"
        sender = make_sender("smtp", {"host": "mx.test", "port": 25, "proxy": url}, resolver)
        run = new_run()
        failure = await send(sender, probe_message(), run)
    shown = "\n".join((str(failure), *run.transcript, str(run.facts), str(run.spans)))
    assert "554 no <secret>" in shown
    assert password not in shown
    assert encoded not in shown
    to_proxy, _, to_server = heard.partition(b"-- ")
    assert (password if kind == "socks5" else encoded).encode() in to_proxy
    assert password.encode() not in to_server
