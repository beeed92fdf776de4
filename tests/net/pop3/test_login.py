"""Logging in to POP3 servers as they are. Each test names who is so."""

from base64 import b64encode

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.sasl.bearer import Bearer
from tests.support.pop3_conversation import greeted


@pytest.mark.parametrize(
    ("token", "answer", "reason"),
    [
        ("short", "+OK", None),
        ("x" * 5000, "+OK", None),
        ("short", "-ERR Protocol error. Connection is closed. 10", Reason.AUTH),
        ("short", "-ERR [AUTH] no", Reason.AUTH),
        ("short", "-ERR Server Unavailable. 21", Reason.UNAVAILABLE),
    ],
)
async def test_a_token_goes_on_a_line_of_its_own(
    token: str, answer: str, reason: Reason | None
) -> None:
    """Microsoft 365 hangs up where it comes with the command (getmail6, issue 256; mpop, issue
    11)."""
    bearer = Bearer("xoauth2", "me", token, "pop.test", 995)
    word = b64encode(bearer.initial_response()).decode()
    async with greeted(f"S: +OK\nC: AUTH XOAUTH2\nS: + \nC: {word}\nS: {answer}\n") as here:
        if reason is None:
            await here.pop3.authenticate(bearer)
        else:
            with pytest.raises(ProbeError) as caught:
                await here.pop3.authenticate(bearer)
            assert caught.value.reason is reason
        assert word not in here.transcript


async def test_a_refusal_with_a_plus_is_one() -> None:
    """hMailServer, when it cannot read the inbox (its pull request 594)."""
    dialogue = (
        "S: +OK\nC: USER me\nS: +OK\nC: PASS sesame\nS: +ERR Server error: Failed to fetch messages"
        " in Inbox.\n"
    )
    async with greeted(dialogue) as here:
        with pytest.raises(ProbeError) as caught:
            await here.pop3.user("me", "sesame")
    assert (caught.value.reason, caught.value.code) == (Reason.UNAVAILABLE, "")
