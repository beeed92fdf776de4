"""Signs messages, as a sender or a forwarder does: with any tags, also wrong ones."""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from exporter.authentication.signature import hashed, signed_names
from exporter.authentication.tag_list import tags_of
from exporter.authentication.wire import BODIES, FIELDS, Field, wire_message
from exporter.net.signatures.signing_key import SigningKey

MESSAGE = b"""From: Probe <probe@example.org>\r
To: monitor@example.net\r
Subject: a message\r
Date: Tue, 03 Feb 2026 04:05:06 +0000\r
Message-ID: <1@example.org>\r
\r
The first line.\r
The second  line.\r
"""
KEY = "s1._domainkey.example.org"
TAGS = {
    "v": "1",
    "a": "rsa-sha256",
    "c": "relaxed/relaxed",
    "d": "example.org",
    "s": "s1",
    "h": "from:to:subject:date",
}


@cache
def rsa(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


@cache
def ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def published(key: RSAPrivateKey | Ed25519PrivateKey, **tags: str) -> str:
    """The record of a key."""
    signing = SigningKey(key)
    record = {"v": "DKIM1", "k": signing.kind, "p": signing.published, **tags}
    return "; ".join(f"{name}={value}" for name, value in record.items())


def signed(
    message: bytes = MESSAGE,
    key: RSAPrivateKey | Ed25519PrivateKey | None = None,
    header: str = "DKIM-Signature",
    **changed: str | None,
) -> bytes:
    """The message with a signature on top. None leaves a tag out."""
    return with_tags(changed, message, key, header)


def with_tags(
    changed: Mapping[str, str | None],
    message: bytes = MESSAGE,
    key: RSAPrivateKey | Ed25519PrivateKey | None = None,
    name: str = "DKIM-Signature",
) -> bytes:
    key = key or rsa()
    tags = {name: value for name, value in {**TAGS, **changed}.items() if value is not None}
    if isinstance(key, Ed25519PrivateKey) and "a" not in changed:
        tags["a"] = "ed25519-sha256"
    header, _, body = tags.get("c", "simple/simple").partition("/")
    wire = wire_message(message)
    covered = BODIES[body or "simple"](wire.body)[: int(tags["l"]) if "l" in tags else None]
    tags.setdefault("bh", b64encode(sha256(covered).digest()).decode())
    text = "; ".join(f"{tag}={value}" for tag, value in tags.items())
    own = Field(name.lower(), f"{name}: {text}; b=".encode())
    left = {one: list(fields) for one, fields in wire.by_name.items()}
    names = signed_names(tags) if "h" in tags else ["from"]
    chosen = [left[one].pop() for one in names if left.get(one)]
    signature = SigningKey(key).sign(hashed(chosen, own, FIELDS[header]))
    return own.raw + b64encode(signature) + b"\r\n" + message


def sealed(message: bytes, instance: int, domain: str, cv: str = "", **changed: str) -> bytes:
    """The message with one more ARC set, by a forwarder of that domain with the selector `arc`."""
    results = Field(
        "arc-authentication-results",
        f"ARC-Authentication-Results: i={instance}; {domain}; dkim=pass".encode(),
    )
    tags = {"v": None, "i": str(instance), "d": domain, "s": "arc", "h": "from:to:subject"}
    with_signature = with_tags({**tags, **changed}, message, rsa(), "ARC-Message-Signature")
    own = wire_message(with_signature).fields[0]
    cv = cv or ("none" if instance == 1 else "pass")
    text = f"ARC-Seal: i={instance}; a=rsa-sha256; d={domain}; s=arc; cv={cv}; b="
    seal = Field("arc-seal", text.encode())
    below = wire_message(message)
    fields: list[Field] = []
    for number in range(1, instance):
        for kind in ("arc-authentication-results", "arc-message-signature", "arc-seal"):
            fields += [field for field in below.all(kind) if _instance(field) == number]
    signature = b64encode(SigningKey(rsa()).sign(hashed([*fields, results, own], seal)))
    return seal.raw + signature + b"\r\n" + own.raw + b"\r\n" + results.raw + b"\r\n" + message


def _instance(field: Field) -> int:
    text = field.text
    tags = tags_of(text.partition(";")[0] if field.name.endswith("results") else text) or {}
    return int(tags["i"])
