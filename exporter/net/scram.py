"""SCRAM-SHA-256 (RFC 5802, RFC 7677)."""

import re
from contextlib import AbstractContextManager

from exporter.core.model import ProbeError, one_line
from exporter.core.reasons import Reason
from exporter.core.threads import off_the_loop
from exporter.net.exceptions import map_exceptions

SCRAM = "scram-sha-256"
# RFC 7677 section 4; with fewer, an eavesdropper can guess passwords quickly
FEWEST_ITERATIONS = 4096
MOST_ITERATIONS = 1_000_000  # half a second; servers have 4096 to 600,000
_ITERATIONS = re.compile(r",i=([0-9]{1,20})(?:,|$)")


class Scram:
    """SCRAM-SHA-256: the password is not sent, and the server must prove that it knows it."""

    name = SCRAM.upper()
    words = ""

    def __init__(self, user: str, password: str, server: str) -> None:
        from scramp import ScramClient  # takes long, and `mailtrip check` logs in nowhere

        self.secrets: tuple[str, ...] = (password,)
        self._server = server
        self._stage = 0
        with _agreement(server):
            self._client = ScramClient([self.name], user, password)

    def initial_response(self) -> bytes:
        return str(self._client.get_client_first()).encode()

    async def answer(self, challenge: bytes) -> bytes:
        if challenge.startswith(b"e="):
            words = one_line(challenge[2:].decode(errors="replace"))
            raise ProbeError(Reason.AUTH, f"{self._server} refuses the login: {words}")
        self._stage += 1
        with _agreement(self._server):
            if self._stage > 1:
                self._client.set_server_final(challenge.decode())
                return b""
            self._judge(first := challenge.decode())
            self._client.set_server_first(first)
            final = str(await off_the_loop(self._client.get_client_final))
            self.secrets = (*self.secrets, final.rpartition(",p=")[2])
            return final.encode()

    def _judge(self, first: str) -> None:
        """Checks the server's iteration count: it determines our computing time, and how hard the
        password is to guess."""
        iterations = _ITERATIONS.search(first)
        count = int(iterations[1]) if iterations else 0
        if iterations and not FEWEST_ITERATIONS <= count <= MOST_ITERATIONS:
            bounds = f"{FEWEST_ITERATIONS} to {MOST_ITERATIONS} are accepted"
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self._server} demands {count} iterations of SCRAM-SHA-256: {bounds}",
            )
        # RFC 5802 section 5.1.
        if re.match(rf"r={re.escape(str(self._client.c_nonce))}(,|$)", first):
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self._server} added nothing to the client's nonce (SCRAM-SHA-256)",
            )

    def succeeded(self) -> None:
        if self._stage != 2:
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self._server} did not prove that it knows the password (SCRAM-SHA-256)",
            )


def _agreement(server: str) -> AbstractContextManager[None]:
    from scramp import ScramException

    disagreement = ProbeError(Reason.PROTOCOL, f"the SCRAM-SHA-256 exchange with {server} failed")
    return map_exceptions({(ScramException, ValueError): lambda _: disagreement}, quiet=True)
