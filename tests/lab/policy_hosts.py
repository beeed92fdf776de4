"""The hosts of the policies of MTA-STS (`sts.py`), by HTTPS."""

import asyncio
import ssl
import sys
from asyncio import StreamReader, StreamWriter
from http import HTTPStatus
from pathlib import Path

from tests.lab import facts, sts
from tests.lab.background import Service, go_to_background, listen, log, serve
from tests.lab.rundir import RunDirectory

PATH = "/.well-known/mta-sts.txt"


class PolicyHosts:
    """All of them, at one address."""

    async def client(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answers one request."""
        try:
            request, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
            headers = dict(field.lower().split(": ", 1) for field in fields if field)
            log(request, headers.get("host"))
            writer.write(self._answer(request, headers["host"]))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, KeyError, ValueError):
            pass
        finally:
            writer.close()

    def _answer(self, request: str, host: str) -> bytes:
        domain = host.removeprefix("mta-sts.")
        published = sts.DOMAINS[domain]
        moved = f"/moved{PATH}"
        found = request.split()[1] in (PATH, moved)
        status = HTTPStatus(published.status if found else 404)
        if moved in request:
            status = HTTPStatus.OK
        body = published.policy(domain).encode() if status != 404 else b""
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            f"Content-Type: {published.content_type}",
            f"Content-Length: {len(body)}",
            f"Location: https://{host}{moved}",
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


def tls(rundir: RunDirectory) -> ssl.SSLContext:
    """Shows the certificate of the host that the client names."""
    good, expired = (context(rundir, kind) for kind in ("good", "expired"))

    def chosen(connection: ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> None:
        published = sts.DOMAINS.get((host or "").removeprefix("mta-sts."))
        if published and published.certificate == "expired":
            connection.context = expired

    good.sni_callback = chosen
    return good


def context(rundir: RunDirectory, kind: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(
        rundir.path("keys", f"policies.{kind}.crt"), rundir.path("keys/policies.key")
    )
    return made


def main(rundir: RunDirectory) -> None:
    services = [Service(PolicyHosts().client, listen(facts.POLICY_IP, 443), tls(rundir))]
    go_to_background(rundir, "policies")
    asyncio.run(serve(services))


if __name__ == "__main__":
    main(RunDirectory(Path(sys.argv[1])))
