"""Basic authentication (RFC 7617) with bcrypt password hashes."""

import asyncio
import base64
import binascii
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import sha256

from exporter.web.fair_queue import FairQueue

CHALLENGE = 'Basic realm="mailtrip", charset="UTF-8"'
QUEUE_LIMIT, QUEUE_LIMIT_PER_CLIENT = 256, 32  # logins that bcrypt has to look at
NICE = 10  # of the thread that computes hashes
# Bytes that bcrypt looks at; others ignore the rest, as we do, and the library refuses it.
LONGEST = 72


class BasicAuth:
    """Caches successful logins. bcrypt is slow by design: it runs in one separate thread, which
    yields the processor to all others.

    A client whose login is not cached waits, within limits; clients take turns, so that one that
    tries many passwords delays only itself. `fits` returns whether a password matches a hash.
    """

    def __init__(self, fits: Callable[[bytes, bytes], bool] | None = None) -> None:
        self._fits = fits or _fits
        self._key = secrets.token_bytes(32)
        # A user, and a digest of the hash and the password that fitted last.
        self._verified: dict[str, bytes] = {}
        self._thread = ThreadPoolExecutor(1, "bcrypt", _lower_priority)
        self._queue = FairQueue(QUEUE_LIMIT, QUEUE_LIMIT_PER_CLIENT)
        self._worker: asyncio.Task[None] | None = None

    def close(self) -> None:
        if self._worker:
            self._worker.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def admits(
        self, users: Mapping[str, bytes], authorization: str | None, client: str = ""
    ) -> bool:
        """Whether this header authenticates one of the users, given with their password hashes.
        Raises QueueFull.

        `client` identifies the client, as far as the connection shows.
        """
        credentials = _credentials(authorization or "")
        if credentials is None:
            return False
        name, password = credentials
        user = name if name in users else None
        hashed = users[user] if user is not None else self._decoy_hash(users, name)
        digest = self._digest(hashed + password)  # all hashes have the same length
        if self._is_verified(user, digest):
            return True
        compare = partial(self._verify, user, password, hashed, digest)
        async with self._queue.job((user, digest), client, compare) as answer:
            if not self._worker or self._worker.done():
                self._worker = asyncio.create_task(self._queue.run(self._in_thread), name="logins")
            return await asyncio.shield(answer) and user is not None

    def _in_thread(self, compare: Callable[[], bool]) -> "asyncio.Future[bool]":
        return asyncio.get_running_loop().run_in_executor(self._thread, compare)

    def _decoy_hash(self, users: Mapping[str, bytes], name: str) -> bytes:
        """A real hash, the same each time for a name, so that unknown names take as long as known
        ones."""
        hashes = sorted(users.values())
        return hashes[
            int.from_bytes(self._digest(name.encode(errors="surrogateescape"))) % len(hashes)
        ]

    def _verify(self, user: str | None, password: bytes, hashed: bytes, digest: bytes) -> bool:
        """Runs in the thread."""
        fits = self._fits(password[:LONGEST], hashed)
        if fits and user is not None:
            self._verified[user] = digest
        return fits

    def _is_verified(self, user: str | None, digest: bytes) -> bool:
        return user is not None and hmac.compare_digest(self._verified.get(user, b""), digest)

    def _digest(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, sha256)


def _lower_priority() -> None:
    """Of the calling thread alone, as Linux does it: on a machine with one processor, other work
    goes first."""
    with suppress(OSError):  # a system call that systemd's unit does not allow
        os.nice(NICE)


def _credentials(authorization: str) -> tuple[str, bytes] | None:
    """The username and password in the header; None if there are none."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(" "), validate=True)
    except (binascii.Error, ValueError):
        return None
    name, colon, password = decoded.partition(b":")
    return (
        (name.decode(errors="surrogateescape"), password)
        if colon and scheme.lower() == "basic"
        else None
    )


def _fits(password: bytes, digest: bytes) -> bool:
    from bcrypt import checkpw  # memory that only a web configuration with users needs

    return checkpw(password, digest)
