"""Signs the probe message with DKIM (RFC 6376; RFC 8463 for Ed25519)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from exporter.authentication.signature import hashed
from exporter.authentication.wire import Field, relaxed_body, wire_message
from exporter.config.types import Secret
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.mail.composition import ProbeMessage
from exporter.net.exceptions import map_secrets

if TYPE_CHECKING:
    from exporter.net.signatures.signing_key import SigningKey

SIGNED = (
    *("from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references"),
    *("mime-version", "content-type"),
)
"""What readers see, and what no server changes on the way (RFC 6376 section 5.4.1)."""
_LONGEST = 70  # characters of a line of the signature
_FOLD = "\r\n "


class DkimSigner:
    """Signs for one domain. The key is read again whenever it has changed."""

    def __init__(self, domain: str, selector: str, key: Secret) -> None:
        self._domain, self._selector, self._secret = domain, selector, key
        self._read: tuple[str, SigningKey] | None = None

    @property
    def name(self) -> str:
        """Where the public key is in DNS."""
        return f"{self._selector}._domainkey.{self._domain}"

    @property
    def origin(self) -> str:
        """Where the private key is, safe to show."""
        return self._secret.origin or "the configuration"

    def signed(self, message: ProbeMessage, at: float) -> ProbeMessage:
        """The message with a signature of that time (Unix time) on top.

        Raises ProbeError (auth) if the key cannot be used.
        """
        key, wire = self.key(), wire_message(message.raw)
        fields = [field for field in wire.fields if field.name in SIGNED]
        # A second From, which a reader might see instead, would make it invalid (section 8.15).
        names = [*(field.name for field in fields), "from"]
        tags = (
            f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={self._domain}",
            f"s={self._selector}; t={int(at)}",
            f"h={_folded(':'.join(names), ':')}",
            f"bh={b64encode(sha256(relaxed_body(wire.body)).digest()).decode()}",
            "b=",
        )
        head = f"DKIM-Signature: {f';{_FOLD}'.join(tags)}"
        data = hashed(fields, Field("dkim-signature", head.encode()))
        signature = _folded(b64encode(key.sign(data)).decode())
        return replace(message, raw=f"{head}{signature}\r\n".encode() + message.raw)

    def key(self) -> SigningKey:
        """The private key. Raises ProbeError (auth)."""
        # cryptography takes long to import
        from exporter.net.signatures.signing_key import read_signing_key

        with map_secrets(what="the message cannot be signed"):
            pem = self._secret.reveal()
        try:
            if self._read is None or self._read[0] != pem:
                self._read = pem, read_signing_key(pem)
        except ValueError as error:
            problem = f"the message cannot be signed: the key in {self.origin} {error}"
            raise ProbeError(Reason.AUTH, problem) from None
        return self._read[1]


def _folded(text: str, after: str = "") -> str:
    """A long value in lines that begin with a blank; broken only after that character, if there is
    one."""
    lines, line = [], ""
    pieces = [f"{one}{after}" for one in text.split(after)] if after else list(text)
    for piece in pieces:
        if len(line) + len(piece) > _LONGEST:
            lines.append(line)
            line = ""
        line += piece
    return _FOLD.join([*lines, line]).removesuffix(after)
