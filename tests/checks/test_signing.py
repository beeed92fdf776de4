"""The signature of the probe message; the verdict is ours, and that of rspamd in
tests/trips/test_dkim_signing.py."""

from pathlib import Path

import pytest

from exporter.authentication.dkim import DkimVerdicts, check_dkim
from exporter.authentication.lookups import Lookups
from exporter.authentication.signature import SignedMessage
from exporter.authentication.verdict import Result
from exporter.authentication.wire import wire_message
from exporter.checks.signing import DkimSigner
from exporter.config.types import Secret
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.fairness import Slices
from exporter.mail.composition import Content, ProbeMessage, compose
from exporter.mail.tokens import Mint, new_key
from exporter.net.signatures.signing_key import Kind, SigningKey, new_signing_key
from tests.support.zone import Zone

NAME = "s1._domainkey.example.org"
KEYS = {kind: new_signing_key(kind, 2048) for kind in ("rsa", "ed25519")}
NOW = 1_770_091_506.0


PLAIN = Content()


def message(content: Content = PLAIN, sender: str = "probe@example.org") -> ProbeMessage:
    return compose(Mint(new_key()).mint(NOW), sender, "monitor@example.net", NOW, content)


def signer(key: SigningKey) -> DkimSigner:
    return DkimSigner("example.org", "s1", Secret(key.pem))


async def verdicts(raw: bytes, key: SigningKey, at: float = NOW) -> DkimVerdicts:
    zone = Zone({NAME: {"TXT": [f"v=DKIM1; k={key.kind}; p={key.published}"]}})
    signed = SignedMessage(wire_message(raw))
    return await check_dkim(signed, Lookups(zone), at, Slices(lambda: 0.0))


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        Content("Grüße an alle, die das lesen: {token}", (("X-Team", "mail"),)),
        Content(size=100_000),
    ],
    ids=["plain", "encoded", "large"],
)
async def test_the_signature_is_valid(kind: Kind, content: Content) -> None:
    original, key = message(content), KEYS[kind]
    made = signer(key).signed(original, NOW)
    assert made.raw.endswith(original.raw), "nothing else is changed"
    (found,) = (await verdicts(made.raw, key)).each
    assert (found.result, found.domain, found.record) == (Result.PASS, "example.org", NAME)
    header = made.raw.removesuffix(original.raw)
    assert header.startswith(f"DKIM-Signature: v=1; a={kind}-sha256;".encode())
    assert all(len(line) <= 78 for line in header.split(b"\r\n"))
    assert f"t={int(NOW)}".encode() in header


async def test_an_international_sender_is_signed_too() -> None:
    made = signer(KEYS["rsa"]).signed(message(sender="prüfung@example.org"), NOW)
    assert (await verdicts(made.raw, KEYS["rsa"])).passed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\r\nFrom: <probe@", b"\r\nFrom: <other@"),
        (b"\r\nSubject: mailtrip", b"\r\nSubject: Mailtrip"),
        (b"This is a test", b"This was a test"),
        (b"\r\nTo: ", b"\r\nFrom: <boss@example.org>\r\nTo: "),
        (b"\r\nFrom: <probe@", b"\r\nFrom: <boss@example.org>\r\nFrom: <probe@"),
    ],
    ids=["sender", "subject", "text", "a second sender below", "a second sender above"],
)
async def test_a_change_on_the_way_makes_it_invalid(before: bytes, after: bytes) -> None:
    made = signer(KEYS["rsa"]).signed(message(), NOW)
    assert before in made.raw
    assert not (await verdicts(made.raw.replace(before, after), KEYS["rsa"])).passed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\r\nX-Mailtrip-Token: ", b"\r\nX-Renamed: "),
        (b"\r\nDate: ", b"\r\nX-Spam: no\r\nDate:  "),
    ],
    ids=["a header of programs", "new headers and blanks"],
)
async def test_what_servers_do_on_the_way_leaves_it_valid(before: bytes, after: bytes) -> None:
    made = signer(KEYS["rsa"]).signed(message(), NOW)
    assert before in made.raw
    assert (await verdicts(made.raw.replace(before, after), KEYS["rsa"])).passed


async def test_a_new_key_is_used_at_once(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    file.write_text(KEYS["rsa"].pem)
    signing = DkimSigner("example.org", "s1", Secret(file=str(file)))
    assert (await verdicts(signing.signed(message(), NOW).raw, KEYS["rsa"])).passed
    file.write_text(KEYS["ed25519"].pem)
    assert (await verdicts(signing.signed(message(), NOW).raw, KEYS["ed25519"])).passed


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot read the secret in {file}: No such file or directory"),
        ("hello", "the key in {file} is not a private key in PEM format, or has a password"),
    ],
)
def test_without_a_usable_key_nothing_is_sent(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "dkim.pem"
    if content:
        file.write_text(content)
    with pytest.raises(ProbeError) as caught:
        DkimSigner("example.org", "s1", Secret(file=str(file))).signed(message(), NOW)
    assert caught.value.reason is Reason.AUTH
    assert caught.value.detail == f"the message cannot be signed: {problem.format(file=file)}"
