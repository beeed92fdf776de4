"""The words of a login, in their order, and how long a server may have us compute."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.redaction import Redaction
from exporter.net.sasl.conversation import (
    MOST_CHALLENGES,
    Conversation,
    CramMd5,
    Login,
    Mechanism,
    Plain,
)
from exporter.net.sasl.scram import MOST_ITERATIONS, Scram

PASSWORD = "correct-horse-battery"


def talk(mechanism: Mechanism, redaction: Redaction | None = None) -> Conversation:
    return Conversation(mechanism, "mx.test", redaction or Redaction(), lambda line: None)


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


async def why(conversation: Conversation, *challenges: str) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        for challenge in challenges:
            await conversation.answer(challenge)
    return caught.value


PROMPTS = [
    "",
    "Username:",
    "User Name\0",
    "username",
    "User:",
    "login:",
    "Login name:",
    "Enter your account",
    "Email",
    "334?",
]
SECOND_PROMPTS = [
    "",
    "Password:",
    "password",
    "Password\0",
    "Passwort",
    "Passcode for user me:",
    "PWD",
    "Kennwort:",
    "334?",
]


@pytest.mark.parametrize("how", [encoded, str])
@pytest.mark.parametrize("second", SECOND_PROMPTS)
@pytest.mark.parametrize("first", PROMPTS)
async def test_login_says_the_name_and_then_the_password(
    first: str, second: str, how: Callable[[str], str]
) -> None:
    conversation = talk(Login("me", PASSWORD, "mx.test"))
    assert conversation.initial_response(510) == ""
    assert await conversation.answer(how(first)) == encoded("me")
    assert await conversation.answer(how(second)) == encoded(PASSWORD)


@pytest.mark.parametrize("how", [encoded, str])
@pytest.mark.parametrize("prompt", [prompt for prompt in PROMPTS if prompt not in ("", "334?")])
async def test_the_password_is_never_said_to_whom_asks_for_the_name(
    prompt: str, how: Callable[[str], str]
) -> None:
    conversation = talk(Login("me", PASSWORD, "mx.test"))
    await conversation.answer(how(prompt))
    assert (await why(conversation, how(prompt))).reason is Reason.PROTOCOL


async def test_what_went_with_the_command_is_said_again_once_when_it_was_passed_over() -> None:
    conversation = talk(Plain("me", PASSWORD))
    word = conversation.initial_response(510)
    assert b64decode(word).decode() == f"\0me\0{PASSWORD}"
    assert await conversation.answer("") == word
    assert await conversation.answer("") == "*"


async def test_what_was_refused_with_the_command_is_said_when_asked_for() -> None:
    conversation = talk(Plain("me", PASSWORD))
    word = conversation.initial_response(510)
    conversation.initial_response_refused()
    assert conversation.held
    assert await conversation.answer(encoded("what?")) == word
    assert not conversation.held


def test_a_word_that_is_too_long_waits() -> None:
    conversation = talk(Plain("me", PASSWORD))
    assert conversation.initial_response(10) == ""
    assert conversation.held


async def test_challenges_without_end_end_the_login() -> None:
    conversation = talk(Plain("me", PASSWORD))
    error = await why(conversation, *[""] * (MOST_CHALLENGES + 1))
    assert error.reason is Reason.PROTOCOL


@pytest.mark.parametrize("challenge", ["", "no base64!", "=="])
async def test_a_digest_of_nothing_is_not_given(challenge: str) -> None:
    assert (
        await why(talk(CramMd5("me", PASSWORD, "mx.test")), challenge)
    ).reason is Reason.PROTOCOL


async def test_the_example_of_rfc_2195() -> None:
    challenge = encoded("<1896.697170952@postoffice.reston.mci.net>")
    answer = await talk(CramMd5("tim", "tanstaaftanstaaf", "mx.test")).answer(challenge)
    assert b64decode(answer) == b"tim b913a602c7eda7a495b4e6e7334d3890"


async def scram(**parts: Any) -> tuple[str, Redaction]:
    """What is said to a first challenge with these parts."""
    redaction = Redaction()
    conversation = talk(Scram("me", PASSWORD, "mx.test"), redaction)
    nonce = b64decode(conversation.initial_response(510)).decode().rpartition("r=")[2]
    parts = {"r": f"{nonce}theirs", "s": encoded("salt of 16 bytes"), "i": 4096} | parts
    told = ",".join(f"{name}={value}".replace("NONCE", nonce) for name, value in parts.items())
    return b64decode(await conversation.answer(encoded(told))).decode(), redaction


@pytest.mark.parametrize("iterations", [4096, 10_000, 100_000])
async def test_a_usual_number_of_iterations_is_computed(iterations: int) -> None:
    final, redaction = await scram(i=iterations)
    proof = final.rpartition(",p=")[2]
    assert len(proof) == 44
    assert redaction.clean(f"no: {proof} {PASSWORD}") == "no: <secret> <secret>"
    assert redaction.clean(f"no: {encoded(final)[:-4]}") == "no: <secret>"


@pytest.mark.parametrize("iterations", [1, 4095, MOST_ITERATIONS + 1, 10_000_000, 10**12, 10**19])
async def test_a_server_does_not_choose_how_long_we_compute_nor_how_little(iterations: int) -> None:
    with pytest.raises(ProbeError, match=f"{iterations} iterations") as caught:
        await scram(i=iterations)
    assert caught.value.reason is Reason.PROTOCOL


@pytest.mark.parametrize(
    "parts",
    [
        {"i": "-1"},
        {"i": "0"},
        {"i": "x"},
        {"i": ""},
        {"i": "1e9"},
        {"i": "04096"},
        {"i": 10**30},
        {"i": "4096, i=99999999"},
        {"r": "NONCE"},
        {"r": "another"},
        {"r": ""},
        {"s": "no base64"},
        {"s": ""},
        {"m": "extension"},
    ],
)
async def test_a_first_challenge_without_sense(parts: dict[str, str]) -> None:
    with pytest.raises(ProbeError) as caught:
        await scram(**parts)
    assert caught.value.reason is Reason.PROTOCOL


async def test_others_have_their_turn_while_we_compute() -> None:
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    ticker = asyncio.create_task(tick())
    try:
        await scram(i=MOST_ITERATIONS)
    finally:
        ticker.cancel()
    assert turns >= 5
