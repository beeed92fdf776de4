"""SCRAM against the other side as RFC 5802 has it, with and without TLS in between."""

from typing import get_args

import pytest

from exporter.config.server import ForPassword
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.sasl.scram import Scram
from exporter.net.tls.channel_binding import ChannelBinding
from tests.support.scram_server import ScramServer

PASSWORD = "correct-horse-battery"
BINDING = ChannelBinding("tls-unique", b"what both sides know")
NAMES = [name for name in get_args(ForPassword) if name.startswith("scram-")]


def digest_of(name: str) -> str:
    return name.removeprefix("scram-").removesuffix("-plus").replace("-", "")


async def log_in(scram: Scram, server: ScramServer) -> None:
    final = await scram.answer(server.first(scram.initial_response()))
    await scram.answer(server.final(final))
    scram.succeeded()


@pytest.mark.parametrize("name", NAMES)
async def test_both_sides_prove_that_they_know_the_password(name: str) -> None:
    binding = BINDING if name.endswith("-plus") else None
    server = ScramServer(digest_of(name), PASSWORD, BINDING.data)
    await log_in(Scram("me", PASSWORD, "mx.test", name, binding), server)
    assert server.succeeded
    assert server.flag == ("p=tls-unique" if binding else "n")


@pytest.mark.parametrize("name", NAMES)
async def test_a_wrong_password_proves_nothing(name: str) -> None:
    binding = BINDING if name.endswith("-plus") else None
    server = ScramServer(digest_of(name), "another", BINDING.data)
    with pytest.raises(ProbeError, match="mx.test refuses the login: invalid-proof") as caught:
        await log_in(Scram("me", PASSWORD, "mx.test", name, binding), server)
    assert caught.value.reason is Reason.AUTH


@pytest.mark.parametrize("name", NAMES)
async def test_a_server_that_does_not_know_the_password_is_no_server(name: str) -> None:
    """It accepts whatever comes, and cannot say what only one who knows the password can say."""
    binding = BINDING if name.endswith("-plus") else None
    scram = Scram("me", PASSWORD, "mx.test", name, binding)
    await scram.answer(ScramServer(digest_of(name), "").first(scram.initial_response()))
    with pytest.raises(ProbeError, match="did not prove that it knows the password"):
        scram.succeeded()
    with pytest.raises(ProbeError, match=f"the {name.upper()} exchange with mx.test failed"):
        await scram.answer(b"v=d2hhdGV2ZXI=")


async def test_another_tls_session_is_told_from_a_wrong_password() -> None:
    server = ScramServer("sha256", PASSWORD, b"the session with somebody in between")
    with pytest.raises(ProbeError, match="does something in between end TLS"):
        await log_in(Scram("me", PASSWORD, "mx.test", "scram-sha-256-plus", BINDING), server)


async def test_a_server_hears_that_its_offer_of_bindings_did_not_arrive() -> None:
    server = ScramServer("sha256", PASSWORD, BINDING.data)
    with pytest.raises(ProbeError, match="something in between may have removed it"):
        await log_in(Scram("me", PASSWORD, "mx.test", "scram-sha-256", BINDING), server)
    assert server.flag == "y"


async def test_a_server_without_bindings_takes_a_client_that_knows_them() -> None:
    server = ScramServer("sha256", PASSWORD)
    await log_in(Scram("me", PASSWORD, "mx.test", "scram-sha-256", BINDING), server)
    assert (server.succeeded, server.flag) == (True, "y")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("unsupported-channel-binding-type", "it does not support tls-unique"),
        ("channel-binding-not-supported", "it does not support tls-unique"),
        ("other-error", "refuses the login: other-error"),
        ("x" * 500, "refuses the login: xxxx"),
    ],
)
async def test_errors_of_the_server_say_their_cause(error: str, words: str) -> None:
    scram = Scram("me", PASSWORD, "mx.test", "scram-sha-1-plus", BINDING)
    scram.initial_response()
    with pytest.raises(ProbeError, match=words) as caught:
        await scram.answer(f"e={error}".encode())
    assert len(caught.value.detail) < 400


@pytest.mark.parametrize(
    ("name", "user", "password", "nonce", "first", "final", "verifier"),
    [
        (
            "scram-sha-1",  # RFC 5802 section 5
            "user",
            "pencil",
            "fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (
            "scram-sha-256",  # RFC 7677 section 3
            "user",
            "pencil",
            "rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
    ],
)
async def test_the_examples_of_the_standards(
    name: str, user: str, password: str, nonce: str, first: str, final: str, verifier: str
) -> None:
    scram = Scram(user, password, "mx.test", name, nonce=nonce)
    assert scram.initial_response() == f"n,,n={user},r={nonce}".encode()
    assert await scram.answer(first.encode()) == final.encode()
    assert await scram.answer(verifier.encode()) == b""
    scram.succeeded()
