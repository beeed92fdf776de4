"""Logging in to an IMAP server: strings go out as they are, once, and no password goes anywhere
else."""

import logging

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.imap.login import authenticate, login
from exporter.net.sasl.bearer import Bearer
from exporter.net.sasl.conversation import Plain
from tests.support.imap_conversation import greeted


async def test_strings_are_quoted() -> None:
    async with greeted("login-with-blanks-and-quotes") as here:
        assert (await login(here.imap, "john doe", 'p"w\\ 1')).result == "OK"


async def test_what_is_not_ascii_is_a_literal() -> None:
    async with greeted("login-with-literals") as here:
        assert (await login(here.imap, "jürg", "pässwort")).result == "OK"
        assert "pässwort" not in here.transcript


async def test_a_password_that_is_no_text_goes_out_as_it_is() -> None:
    async with greeted("login-with-bytes-that-are-no-text") as here:
        assert (
            await login(here.imap, "me", b"p\xe4ss".decode("utf-8", "surrogateescape"))
        ).result == "OK"


async def test_what_the_server_offers_after_the_login_is_asked_for() -> None:
    async with greeted("login-then-asked") as here:
        await login(here.imap, "me", "labpass")
        assert await here.imap.capability() == {"IMAP4REV1", "UIDPLUS"}


async def test_a_password_does_not_follow_a_user_name_that_was_refused() -> None:
    async with greeted("login-refused-before-the-password") as here:
        assert (await login(here.imap, "jürg", "pässwort")).text == "too long"


async def test_plain_goes_with_the_command_where_that_is_offered() -> None:
    async with greeted("plain-with-the-command") as here:
        assert (await authenticate(here.imap, Plain("me", "labpass"))).result == "OK"


async def test_plain_waits_to_be_asked_otherwise() -> None:
    async with greeted("plain-when-asked") as here:
        assert (await authenticate(here.imap, Plain("me", "labpass"))).result == "OK"
        assert "IDLE" in await here.imap.capability()


async def test_plain_ends_at_a_challenge() -> None:
    async with greeted("plain-with-a-strange-challenge") as here:
        assert (await authenticate(here.imap, Plain("me", "labpass"))).result == "BAD"


async def test_an_xoauth2_challenge_is_answered_with_nothing_and_the_refusal_is_told() -> None:
    async with greeted("xoauth2-refused") as here:
        reply = await authenticate(here.imap, Bearer("xoauth2", "me", "token", "imap.test", 143))
        with pytest.raises(ProbeError, match="Invalid credentials") as caught:
            reply.data("the login", Reason.AUTH)
        assert (caught.value.reason, caught.value.code) == (Reason.AUTH, "AUTHENTICATIONFAILED")


async def test_no_password_is_in_a_log_a_transcript_or_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with greeted("login-repeated-in-the-error") as here:
        reply = await login(here.imap, "me", 'se"cret')
        with pytest.raises(ProbeError) as caught:
            reply.data("the login", Reason.AUTH)
        assert caught.value.reason is Reason.PROTOCOL
        said = f"{caplog.text} {here.transcript} {caught.value}"
        assert 'se"cret' not in said
        assert 'se\\"cret' not in said
        assert 'LOGIN "me" <secret>' in here.transcript
    async with greeted("plain-with-the-command") as here:
        await authenticate(here.imap, Plain("me", "labpass"))
        said = f"{caplog.text} {here.transcript}"
        assert "labpass" not in said
        assert "AG1lAGxhYnBhc3M=" not in said
