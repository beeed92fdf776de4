"""ARC (RFC 8617): whether the chain of forwarders that vouch for a message is intact."""

import re
from dataclasses import dataclass

from exporter.authentication.key import KeyUnusable, key_of
from exporter.authentication.lookups import Lookups
from exporter.authentication.signature import (
    Signature,
    SignatureInvalid,
    SignedMessage,
    hashed,
    signature_of,
    signed_names,
)
from exporter.authentication.tag_list import tags_of
from exporter.authentication.verdict import LookupFailed, Result, Verdict, temperror
from exporter.authentication.wire import Field, WireMessage
from exporter.core.timing.fairness import Slices

MOST_SETS = 50  # RFC 8617 section 4.2.1
MOST_CHECKED = 20
"""Sets whose seals are checked. Each covers all sets below it, and needs a key from DNS."""

_RESULTS, _MESSAGE, _SEAL = "arc-authentication-results", "arc-message-signature", "arc-seal"
_INSTANCE = re.compile(r"\s*i\s*=\s*([1-9][0-9]?)\s*;")


class ChainBroken(Exception):
    """The chain is malformed, or a seal in it is not valid."""


@dataclass(frozen=True, slots=True)
class ArcSet:
    """What one forwarder added."""

    instance: int
    results: Field
    message: Field
    seal: Field


async def check_arc(signed: SignedMessage, lookups: Lookups, slices: Slices) -> Verdict:
    """RFC 8617 section 5.2."""
    try:
        sets = _sets(signed.message)
        if not sets:
            return Verdict(Result.NONE, "the message has no ARC set")
        seals = _seals(sets)
        domain = seals[-1].domain
        if len(sets) > MOST_CHECKED:
            why = f"the chain has {len(sets)} sets; at most {MOST_CHECKED} are checked"
            return Verdict(Result.POLICY, why, domain)
    except (ChainBroken, SignatureInvalid) as error:
        return Verdict(Result.FAIL, str(error))
    try:
        await _check_message(sets[-1], signed, lookups)
        for number in range(len(sets), 0, -1):
            await slices.pause()
            await _check_seal(sets[:number], seals[number - 1], lookups)
    except LookupFailed as error:
        return temperror(error, domain)
    except (ChainBroken, SignatureInvalid, KeyUnusable) as error:
        return Verdict(Result.FAIL, str(error), domain, seals[-1].name)
    chain = ", ".join(seal.domain for seal in seals)
    return Verdict(Result.PASS, f"sealed by {chain}", domain, seals[-1].name)


def _sets(message: WireMessage) -> list[ArcSet]:
    """The sets, the oldest first. Raises ChainBroken."""
    found = {name: _by_instance(message, name) for name in (_RESULTS, _MESSAGE, _SEAL)}
    size = len(found[_SEAL])
    if any(list(fields) != list(range(1, size + 1)) for fields in found.values()):
        raise ChainBroken("the ARC sets are incomplete")
    return [
        ArcSet(number, found[_RESULTS][number], found[_MESSAGE][number], found[_SEAL][number])
        for number in range(1, size + 1)
    ]


def _by_instance(message: WireMessage, name: str) -> dict[int, Field]:
    """The fields of a name by their instance, in its order. Raises ChainBroken."""
    found: dict[int, Field] = {}
    for field in message.all(name):
        number = _instance(field)
        if number in found or not 1 <= number <= MOST_SETS:
            raise ChainBroken("an ARC set has a wrong instance")
        found[number] = field
    return dict(sorted(found.items()))


def _instance(field: Field) -> int:
    """The instance of a field; 0 if it has none."""
    if field.name == _RESULTS:
        match = _INSTANCE.match(field.text[:100])
        return int(match[1]) if match else 0
    value = (tags_of(field.text) or {}).get("i", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 2 else 0


def _seals(sets: list[ArcSet]) -> list[Signature]:
    """The seals, each of which says that the chain below it was intact. Raises ChainBroken, and
    SignatureInvalid."""
    seals = [signature_of(one.seal, "i a b d s cv") for one in sets]
    for number, seal in enumerate(seals, 1):
        if seal.tags["cv"].lower() != ("none" if number == 1 else "pass"):
            raise ChainBroken(f"{seal.domain} received a chain that was already broken")
        if "h" in seal.tags:
            raise ChainBroken(f"the seal of {seal.domain} is malformed")
    return seals


async def _check_message(newest: ArcSet, signed: SignedMessage, lookups: Lookups) -> None:
    """Checks the newest forwarder's signature of the message."""
    signature = signature_of(newest.message, "i a b bh d h s")
    if {"from", _SEAL} & set(signed_names(signature.tags)) != {"from"}:
        raise ChainBroken(f"{signature.domain} signed the wrong fields")
    key = await key_of(lookups, signature.name, signature.algorithm)
    if not signed.is_body(signature):
        raise ChainBroken(f"the body has changed since {signature.domain} forwarded the message")
    if not key.key.verifies(signature.signature, signed.signed_header(signature)):
        raise ChainBroken(f"the header has changed since {signature.domain} forwarded the message")


async def _check_seal(sets: list[ArcSet], seal: Signature, lookups: Lookups) -> None:
    """Checks a seal, which covers its own set and all below it (RFC 8617 section 5.1.1)."""
    key = await key_of(lookups, seal.name, seal.algorithm)
    fields = [field for one in sets for field in (one.results, one.message, one.seal)][:-1]
    if not key.key.verifies(seal.signature, hashed(fields, seal.field)):
        raise ChainBroken(f"the seal of {seal.domain} is not valid")
