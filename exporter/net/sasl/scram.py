"""SCRAM (RFC 5802, RFC 7677), with and without channel binding."""

import re
from contextlib import AbstractContextManager

from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.threads import off_the_loop
from exporter.net.exceptions import map_exceptions
from exporter.net.tls.channel_binding import ChannelBinding

SCRAM = "scram-sha-256"
# RFC 7677 section 4; with fewer, an eavesdropper can guess passwords quickly
FEWEST_ITERATIONS = 4096
MOST_ITERATIONS = 1_000_000  # half a second; servers have 4096 to 600,000
_ITERATIONS = re.compile(r",i=([0-9]{1,20})(?:,|$)")
_CAUSES = {
    "channel-bindings-dont-match": (
        "it sees another TLS session: does something in between end TLS?"
    ),
    "server-does-support-channel-binding": (
        "it offers -PLUS, which has not arrived here: something in between may have removed it"
    ),
    "unsupported-channel-binding-type": "it does not support {type}",
    "channel-binding-not-supported": "it does not support {type}",
}
"""By the errors of RFC 5802 section 7."""


class Scram:
    """The password is not sent, and the server must prove that it knows it.

    A `-plus` mechanism binds the login to the TLS session, which needs a `binding`. Any other one
    with a `binding` tells the server that we would have, so that it notices if the offer was
    removed on the way (RFC 5802 section 6).
    """

    words = ""

    def __init__(
        self,
        user: str,
        password: str,
        server: str,
        name: str = SCRAM,
        binding: ChannelBinding | None = None,
        nonce: str | None = None,
    ) -> None:
        from scramp import ScramClient  # takes long, and `mailtrip check` logs in nowhere

        self.name = name.upper()
        self.secrets: tuple[str, ...] = (password,)
        self._server = server
        self._stage = 0
        self._binding = binding
        with self._agreement():
            channel = (binding.type, binding.data) if binding else None
            self._client = ScramClient([self.name], user, password, channel, nonce)

    def initial_response(self) -> bytes:
        return str(self._client.get_client_first()).encode()

    async def answer(self, challenge: bytes) -> bytes:
        if challenge.startswith(b"e="):
            raise ProbeError(
                Reason.AUTH, f"{self._server} refuses the login: {self._why(challenge)}"
            )
        self._stage += 1
        with self._agreement():
            if self._stage > 1:
                self._client.set_server_final(challenge.decode())
                return b""
            self._judge(first := challenge.decode())
            self._client.set_server_first(first)
            final = str(await off_the_loop(self._client.get_client_final))
            self.secrets = (*self.secrets, final.rpartition(",p=")[2])
            return final.encode()

    def _why(self, error: bytes) -> str:
        """The error of the server (RFC 5802 section 7), with its likely cause."""
        words = one_line(error[2:].decode(errors="replace"))
        used = self._binding.type if self._binding else "channel binding"
        cause = _CAUSES.get(words.partition(",")[0], "").format(type=used)
        return f"{words} ({cause})" if cause else words

    def _judge(self, first: str) -> None:
        """Checks the server's iteration count: it determines our computing time, and how hard the
        password is to guess."""
        iterations = _ITERATIONS.search(first)
        count = int(iterations[1]) if iterations else 0
        if iterations and not FEWEST_ITERATIONS <= count <= MOST_ITERATIONS:
            bounds = f"{FEWEST_ITERATIONS} to {MOST_ITERATIONS} are accepted"
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self._server} demands {count} iterations of {self.name}: {bounds}",
            )
        # RFC 5802 section 5.1.
        if re.match(rf"r={re.escape(str(self._client.c_nonce))}(,|$)", first):
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self._server} added nothing to the client's nonce ({self.name})",
            )

    def succeeded(self) -> None:
        if self._stage != 2:
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self._server} did not prove that it knows the password ({self.name})",
            )

    def _agreement(self) -> AbstractContextManager[None]:
        from scramp import ScramException

        words = f"the {self.name} exchange with {self._server} failed"
        disagreement = ProbeError(Reason.PROTOCOL, words)
        return map_exceptions({(ScramException, ValueError): lambda _: disagreement}, quiet=True)
