"""A signature of a message: reads it, and computes what it signs. DKIM-Signature (RFC 6376) and
ARC-Message-Signature (RFC 8617) have one form."""

from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from exporter.authentication.tag_list import tags_of, without_blanks
from exporter.authentication.verdict import Result
from exporter.authentication.wire import (
    BODIES,
    FIELDS,
    Field,
    WireMessage,
    relaxed_field,
    without_signature,
)
from exporter.config.grammar import domain_of

MOST_DIGITS = 15  # of a number

ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
"""The kind of key by the tag `a` (RFC 8301, RFC 8463)."""


class SignatureInvalid(Exception):
    """A signature that cannot be checked, whatever key there is."""

    def __init__(self, why: str, result: Result = Result.NEUTRAL) -> None:
        self.result = result
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that is well-formed."""

    field: Field
    tags: Mapping[str, str]
    domain: str
    selector: str
    algorithm: str  # rsa or ed25519
    signature: bytes

    @property
    def name(self) -> str:
        """Where its key is in DNS."""
        return f"{self.selector}._domainkey.{self.domain}"


def signature_of(field: Field, required: str) -> Signature:
    """Reads a signature with these `required` tags. Raises SignatureInvalid."""
    tags = tags_of(field.text)
    if tags is None:
        raise SignatureInvalid("the signature is malformed")
    missing = [name for name in required.split() if name not in tags]
    if missing:
        raise SignatureInvalid(f"the signature lacks {', '.join(f'{name}=' for name in missing)}")
    domain, selector = domain_of(tags["d"]), domain_of(f"{tags['s']}.example")
    if domain is None or selector is None:
        raise SignatureInvalid("the signature has an invalid d= or s=")
    if tags["a"] == "rsa-sha1":
        raise SignatureInvalid("rsa-sha1 is not secure (RFC 8301)", Result.PERMERROR)
    if tags["a"] not in ALGORITHMS:
        raise SignatureInvalid("the signature has an unknown algorithm")
    return Signature(
        field,
        tags,
        domain,
        selector.removesuffix(".example"),
        ALGORITHMS[tags["a"]],
        decoded(tags["b"]),
    )


def decoded(value: str) -> bytes:
    """Base64, which may be folded. Raises SignatureInvalid."""
    try:
        return b64decode(without_blanks(value), validate=True)
    except (Error, ValueError):
        raise SignatureInvalid("the signature is not base64") from None


def number(tags: Mapping[str, str], name: str) -> int | None:
    """The value of a tag that is a number. Raises SignatureInvalid."""
    value = tags.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > MOST_DIGITS:
        raise SignatureInvalid(f"{name}= of the signature is not a number")
    return int(value)


class SignedMessage:
    """A message whose signatures are checked; forms of its body are kept from one to the next."""

    def __init__(self, message: WireMessage) -> None:
        self.message = message
        self._bodies: dict[str, bytes] = {}

    def is_body(self, signature: Signature) -> bool:
        """Whether the body is the one that was signed. Raises SignatureInvalid."""
        _, form = _forms(signature.tags)
        if form not in self._bodies:
            self._bodies[form] = BODIES[form](self.message.body)
        body, length = self._bodies[form], number(signature.tags, "l")
        if length is not None and length > len(body):
            return False
        return sha256(body[:length]).digest() == decoded(signature.tags["bh"])

    def unsigned_bytes(self, signature: Signature) -> int:
        """How many bytes at the end of the body the signature leaves out (`l=`)."""
        length = number(signature.tags, "l")
        return 0 if length is None else len(self._bodies[_forms(signature.tags)[1]]) - length

    def signed_header(self, signature: Signature) -> bytes:
        """The fields that are signed, and the signature's own (RFC 6376 section 3.7)."""
        form = FIELDS[_forms(signature.tags)[0]]
        left = {name: list(fields) for name, fields in self.message.by_name.items()}
        chosen = [left[name].pop() for name in signed_names(signature.tags) if left.get(name)]
        return hashed(chosen, signature.field, form)


def signed_names(tags: Mapping[str, str]) -> list[str]:
    """The names of the signed fields, in lower case."""
    return [name.strip().lower() for name in tags["h"].split(":")]


def hashed(
    fields: Sequence[Field], own: Field, form: Callable[[Field], bytes] = relaxed_field
) -> bytes:
    """What is signed: these fields, and the signature's own one without the signature."""
    return b"".join(form(field) + b"\r\n" for field in fields) + form(without_signature(own))


def _forms(tags: Mapping[str, str]) -> tuple[str, str]:
    """The forms of header and body. Raises SignatureInvalid."""
    header, _, body = tags.get("c", "simple/simple").partition("/")
    body = body or "simple"
    if header not in FIELDS or body not in BODIES:
        raise SignatureInvalid("the signature has an unknown canonicalization")
    return header, body
