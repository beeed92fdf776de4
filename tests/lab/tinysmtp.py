"""A tiny SMTP server: takes every message and hands it to a callback. No TLS, no checks."""

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.background import ClientHandler


@dataclass(frozen=True, slots=True)
class Mail:
    helo: str
    client: str
    sender: str
    recipients: tuple[str, ...]
    data: bytes


def server(hostname: str, callback: Callable[[Mail], None]) -> ClientHandler:
    """Returns a client handler for asyncio.start_server; calls callback(Mail) for each message."""

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await _talk(reader, writer, hostname, callback)
        except (
            ConnectionError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ValueError,
        ):
            pass  # the client went away, or sent an endless line
        finally:
            writer.close()

    return handle


async def _talk(
    reader: StreamReader, writer: StreamWriter, hostname: str, callback: Callable[[Mail], None]
) -> None:
    client = writer.get_extra_info("peername")[0]
    answers = {
        "EHLO": f"250-{hostname}\r\n250-8BITMIME\r\n250 SIZE 52428800",
        "HELO": f"250 {hostname}",
    }
    answers |= {
        "MAIL": "250 2.1.0 Ok",
        "RCPT": "250 2.1.5 Ok",
        "RSET": "250 2.0.0 Ok",
        "NOOP": "250 2.0.0 Ok",
    }
    answers |= {"DATA": "354 go on", "QUIT": "221 2.0.0 Bye"}

    async def reply(text: str) -> None:
        writer.write(text.encode() + b"\r\n")
        await writer.drain()

    helo, sender, recipients = "", "", list[str]()
    await reply(f"220 {hostname} ESMTP")
    while line := await reader.readline():
        verb, _, rest = line.decode("latin1").strip().partition(" ")
        verb = verb.upper()
        await reply(answers.get(verb, "502 5.5.2 Command not known"))
        if verb in ("EHLO", "HELO"):
            helo = rest
        elif verb in ("MAIL", "RSET"):
            sender, recipients = _address_in(rest), []
        elif verb == "RCPT":
            recipients.append(_address_in(rest))
        elif verb == "DATA":
            callback(Mail(helo, client, sender, tuple(recipients), await _read_message(reader)))
            await reply("250 2.0.0 Ok: taken")
        elif verb == "QUIT":
            return


def _address_in(text: str) -> str:
    match = re.search(r"<(.*?)>", text)
    return match[1] if match else ""


async def _read_message(reader: StreamReader) -> bytes:
    lines: list[bytes] = []
    while (line := await reader.readuntil(b"\n")) != b".\r\n":
        lines.append(line.removeprefix(b"."))
    return b"".join(lines)
