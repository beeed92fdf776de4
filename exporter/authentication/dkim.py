"""DKIM (RFC 6376; RFC 8301 and RFC 8463 for algorithms): who signed a message, and whether it is
unchanged since then."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from exporter.authentication.key import KeyUnusable, SenderKey, key_of
from exporter.authentication.lookups import Lookups
from exporter.authentication.signature import (
    Signature,
    SignatureInvalid,
    SignedMessage,
    number,
    signature_of,
    signed_names,
)
from exporter.authentication.verdict import LookupFailed, Result, Verdict, temperror
from exporter.authentication.wire import Field
from exporter.config.grammar import domain_of
from exporter.core.timing.fairness import Slices

MOST_SIGNATURES = 8  # of a message that are checked, the topmost first; RFC 6376 section 6.1
CLOCK_SKEW = 300  # seconds by which our clock and a signer's may differ

_ORDER = (
    Result.PASS,
    Result.TEMPERROR,
    Result.FAIL,
    Result.POLICY,
    Result.PERMERROR,
    Result.NEUTRAL,
)
"""Which result of several signatures counts: one that is valid proves the sender."""


@dataclass(frozen=True, slots=True)
class DkimVerdicts:
    """The verdicts on all signatures of a message, the topmost first."""

    each: tuple[Verdict, ...]

    @property
    def passed(self) -> list[Verdict]:
        return [verdict for verdict in self.each if verdict.result is Result.PASS]

    @property
    def failed_lookups(self) -> bool:
        return any(verdict.result is Result.TEMPERROR for verdict in self.each)

    def best(self, author: str | None) -> Verdict:
        """The one to report: a valid one, preferably of the `author`'s domain."""
        if not self.each:
            return Verdict(Result.NONE, "the message has no DKIM signature", author or "")

        def rank(verdict: Verdict) -> tuple[int, bool]:
            return _ORDER.index(verdict.result), verdict.domain != author

        best, others = min(self.each, key=rank), len(self.each) - 1
        if not others:
            return best
        more = f"{others} other signature{'s' if others > 1 else ''}"
        return replace(best, why=f"{best.why}; {more}")


async def check_dkim(
    signed: SignedMessage, lookups: Lookups, now: float, slices: Slices
) -> DkimVerdicts:
    """Checks the signatures at this wall time."""
    verdicts = []
    for field in signed.message.all("dkim-signature")[:MOST_SIGNATURES]:
        verdicts.append(await _check(field, signed, lookups, now))
        await slices.pause()
    return DkimVerdicts(tuple(verdicts))


async def _check(field: Field, signed: SignedMessage, lookups: Lookups, now: float) -> Verdict:
    try:
        signature = signature_of(field, "v a b bh d h s")
    except SignatureInvalid as error:
        return Verdict(error.result, str(error))
    domain, name = signature.domain, signature.name
    try:
        _validate(signature, now)
        key = await key_of(lookups, name, signature.algorithm)
        return _verify(signature, signed, key)
    except (SignatureInvalid, KeyUnusable) as error:
        return Verdict(error.result, str(error), domain, name)
    except LookupFailed as error:
        return temperror(error, domain)


def _validate(signature: Signature, now: float) -> None:
    """RFC 6376 section 6.1.1. Raises SignatureInvalid."""
    tags = signature.tags
    if tags["v"] != "1":
        raise SignatureInvalid("the signature has an unknown version")
    if "from" not in signed_names(tags):
        raise SignatureInvalid("the signature does not cover From", Result.PERMERROR)
    if "dns/txt" not in [method.strip() for method in tags.get("q", "dns/txt").split(":")]:
        raise SignatureInvalid("the signature's key is not in DNS")
    identity = _identity(tags, signature.domain)
    if identity != signature.domain and not identity.endswith(f".{signature.domain}"):
        raise SignatureInvalid("i= of the signature is not in the domain d=", Result.PERMERROR)
    signed_at, expires_at = number(tags, "t"), number(tags, "x")
    if expires_at is not None and signed_at is not None and expires_at < signed_at:
        raise SignatureInvalid("the signature expired before it was made")
    if expires_at is not None and expires_at + CLOCK_SKEW < now:
        raise SignatureInvalid("the signature has expired (x=)", Result.PERMERROR)


def _verify(signature: Signature, signed: SignedMessage, key: SenderKey) -> Verdict:
    domain, name = signature.domain, signature.name

    def verdict(result: Result, why: str) -> Verdict:
        testing = "; the key is in test mode (t=y)" if key.testing else ""
        return Verdict(result, why + testing, domain, name)

    if key.exact and _identity(signature.tags, domain) != domain:
        return verdict(Result.PERMERROR, "the key is only for addresses in its own domain (t=s)")
    if not signed.is_body(signature):
        return verdict(Result.FAIL, "the body has changed since it was signed")
    if not key.key.verifies(signature.signature, signed.signed_header(signature)):
        return verdict(
            Result.FAIL, "a signed header field has changed, or the key in DNS is another one"
        )
    rest = signed.unsigned_bytes(signature)
    partly = f"; the last {rest} bytes are not signed (l=)" if rest else ""
    size = f", {key.key.bits} bits" if key.key.algorithm == "rsa" else ""
    return verdict(Result.PASS, f"signed by {domain} ({key.key.algorithm}{size}){partly}")


def _identity(tags: Mapping[str, str], domain: str) -> str:
    """The domain of the address that signed."""
    address = tags.get("i", f"@{domain}")
    return domain_of(address.rpartition("@")[2]) or ""
