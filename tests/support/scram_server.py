"""The other side of a login by SCRAM (RFC 5802), made of hashlib alone."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass

SALT = b"salt of 16 bytes"
ITERATIONS = 4096


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


@dataclass
class ScramServer:
    """One login. With a `binding` it refuses a client that believes that it knows none."""

    digest: str  # sha1, sha256 or sha512
    password: str
    binding: bytes = b""
    flag: str = ""  # what the client said of bindings: n, y, or p= with the type
    succeeded: bool = False
    _bare: str = ""
    _first: str = ""

    def first(self, client: bytes) -> bytes:
        self.flag, _, self._bare = client.decode().split(",", 2)
        nonce = self._bare.partition(",r=")[2]
        self._first = f"r={nonce}theirs,s={encoded(SALT)},i={ITERATIONS}"
        return self._first.encode()

    def final(self, client: bytes) -> bytes:
        without, _, proof = client.decode().rpartition(",p=")
        header = f"{self.flag},,".encode()
        bound = self.binding if self.flag.startswith("p=") else b""
        said = b64decode(without.partition("c=")[2].partition(",r=")[0])
        if self.flag == "y" and self.binding:
            return b"e=server-does-support-channel-binding"
        if said != header + bound:
            return b"e=channel-bindings-dont-match"
        salted = hashlib.pbkdf2_hmac(self.digest, self.password.encode(), SALT, ITERATIONS)
        key = self._keyed(salted, b"Client Key")
        message = f"{self._bare},{self._first},{without}".encode()
        stored = hashlib.new(self.digest, key).digest()
        signature = self._keyed(stored, message)
        expected = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        if not hmac.compare_digest(expected, b64decode(proof)):
            return b"e=invalid-proof"
        self.succeeded = True
        return b"v=" + b64encode(self._keyed(self._keyed(salted, b"Server Key"), message))

    def _keyed(self, key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, self.digest).digest()
