import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.address import TRIP_LENGTH
from exporter.mail.tokens import (
    PREFIX,
    Mint,
    NotOurs,
    Rejection,
    address_parts,
    candidates,
    read_key,
    without_tokens,
    without_trip,
)

OURS = Mint(b"k" * 32)
keys = st.binary(min_size=32, max_size=64)
moments = st.integers(min_value=0, max_value=2**32 - 1)


@given(keys, moments)
def test_a_token_verifies_with_its_key_whatever_its_case(key: bytes, now: int) -> None:
    mint = Mint(key)
    token = mint.mint(now)
    assert mint.verify(token.word.upper()) == token
    assert token.minted_at == now


def test_a_token_is_one_run_of_lower_case_letters_and_digits_that_fits_into_a_local_part() -> None:
    word = OURS.mint(0).word
    assert word.isascii()
    assert word.isalnum()
    assert word == word.lower()
    assert len(word) <= 64


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=31))
def test_a_token_never_verifies_with_one_letter_changed(position: int, shift: int) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    word = OURS.mint(1_700_000_000).word
    at = len(PREFIX) + position % (len(word) - len(PREFIX))
    other = letters[(letters.index(word[at]) + shift) % 32]
    with pytest.raises(NotOurs):
        OURS.verify(word[:at] + other + word[at + 1 :])


def test_a_token_of_another_key_is_foreign_and_a_forged_one_of_ours_has_a_bad_signature() -> None:
    foreign = Mint(b"x" * 32).mint(0).word
    with pytest.raises(NotOurs) as caught:
        OURS.verify(foreign)
    assert caught.value.why is Rejection.FOREIGN_INSTANCE
    word = OURS.mint(0).word
    with pytest.raises(NotOurs) as caught:
        OURS.verify(word[:-1] + ("a" if word[-1] != "a" else "b"))
    assert caught.value.why is Rejection.BAD_SIGNATURE


@pytest.mark.parametrize(
    "word", ["", PREFIX, "mtrip1" + "a" * 47, "mtrip1" + "a" * 49, "mtrip1" + "1" * 48]
)
def test_what_has_not_the_shape_of_a_token_is_malformed(word: str) -> None:
    with pytest.raises(NotOurs) as caught:
        OURS.verify(word)
    assert caught.value.why is Rejection.MALFORMED


def test_tokens_of_exporters_that_share_a_key_are_each_others() -> None:
    token = Mint(b"k" * 32).mint(5)
    assert OURS.verify(token.word) == token


@given(st.text())
def test_candidates_are_found_in_any_text_around_them(text: str) -> None:
    word = OURS.mint(7).word
    assert word in candidates(f"{text} <{word.upper()}@example.org> {text}")


def test_a_token_inside_a_longer_word_is_none() -> None:
    word = OURS.mint(7).word
    assert candidates(f"x{word}") == []
    assert candidates(f"{word}2") == []


def test_candidates_are_bounded() -> None:
    assert len(candidates(" ".join(OURS.mint(n).word for n in range(80)))) == 50


@pytest.mark.parametrize("text", ["ab" * 32, "AB" * 32, "0a" * 40, " \n" + "ab" * 32 + "\r\n"])
def test_a_key_is_64_or_more_hexadecimal_digits(text: str) -> None:
    assert read_key(text) == bytes.fromhex(text)


@pytest.mark.parametrize(
    "text", ["", "ab" * 31, "ab" * 32 + "a", "ab" * 31 + "xy", "ab " * 32, "ü" * 64]
)
def test_what_is_no_key_is_told_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="must have 64 or more hexadecimal digits") as caught:
        read_key(text)
    assert not text or text not in str(caught.value)


@given(keys, moments)
def test_the_part_of_an_address_leads_to_the_token_of_its_trip(key: bytes, now: int) -> None:
    mint = Mint(key)
    token = mint.mint(now)
    assert mint.verify_address(token.address_part.upper()) == token == mint.verify(token.word)
    assert len(token.address_part) == TRIP_LENGTH
    assert token.address_part.isalnum()
    assert not candidates(token.address_part), "it is no token"
    assert not address_parts(token.word), "and a token is no part of an address"


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=31))
def test_the_part_of_an_address_never_verifies_with_one_letter_changed(
    position: int, shift: int
) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    part = OURS.mint(1_700_000_000).address_part
    at = len(PREFIX) + position % (len(part) - len(PREFIX))
    other = letters[(letters.index(part[at]) + shift) % 32]
    with pytest.raises(NotOurs):
        OURS.verify_address(part[:at] + other + part[at + 1 :])


@pytest.mark.parametrize("word", ["", "mtrip1", "mtrip1" + "a" * 31, "mtrip1" + "a" * 48])
def test_what_has_not_the_shape_of_a_part_of_an_address_is_malformed(word: str) -> None:
    with pytest.raises(NotOurs) as caught:
        OURS.verify_address(word)
    assert caught.value.why is Rejection.MALFORMED


def test_the_part_of_an_address_is_hidden_as_a_token_is() -> None:
    token = OURS.mint(0)
    address = f"probe+{token.address_part}@example.org"
    assert without_tokens(f"MAIL FROM:<{address}>") == "MAIL FROM:<probe+<token>@example.org>"
    assert without_trip(address) == "probe+{trip}@example.org"
    assert without_trip("probe+tag@example.org") == "probe+tag@example.org"


def test_a_token_is_hidden_in_encoded_text_too() -> None:
    token = OURS.mint(0)
    for secret in (token.word, token.address_part):
        for text in (json.dumps(f"\u201e{secret}\u201c"), f"=2B{secret}", f"%2B{secret}%40"):
            assert secret not in without_tokens(text)
            assert without_tokens(text) == text.replace(secret, "<token>")
