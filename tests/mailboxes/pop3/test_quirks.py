"""POP3 servers that speak a little differently. Each dialogue names who does so, where that is
known."""

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.pop3.session import HOLD
from tests.support.pop3_rig import opened, rig, subjects

READ = {
    "uidl-with-blanks": ["three", "two", "one"],
    "uidl-with-an-empty-line": ["two", "one"],
    "uidl-with-odd-lines": ["four", "three", "two"],
    "uidl-of-words": ["two", "one"],
    "uidl-refused-by-an-empty-maildrop": [],
    "uidl-not-offered": ["one"],
    "top-offered-and-refused": ["two", "one"],
    "sasl-on-two-lines": [],
    "offered-with-blanks": ["one"],
    "capa-of-gmail": [],
}


@pytest.mark.parametrize("dialogue", READ)
async def test_what_can_be_read_is_read(dialogue: str) -> None:
    async with opened(dialogue) as (session, here):
        assert subjects(await session.scan()) == READ[dialogue]
        assert "labpass" not in here.transcript
        await session.close()


async def test_what_stands_behind_an_id_makes_no_message_new() -> None:
    async with opened("uidl-with-more-behind") as (session, here):
        assert subjects(await session.scan()) == ["two", "one"]
        here.now += HOLD + 1
        (third,) = await session.scan()
        assert (subjects([third]), third.watched) == (["three"], True)
        await session.close()


async def test_odd_lines_are_counted_in_the_transcript() -> None:
    async with opened("uidl-with-odd-lines") as (session, here):
        await session.scan()
        assert "-- UIDL: ignored 3 invalid or repeated lines: 1" in here.transcript
        await session.close()


async def test_user_is_tried_where_it_is_written() -> None:
    async with opened("user-not-offered", auth="user") as (session, _):
        assert await session.scan() == []
        await session.close()
    async with rig("S: +OK\nC: CAPA\nS: +OK\nS: TOP\nS: UIDL\nS: .\n") as here:
        with pytest.raises(ProbeError) as caught:
            async with here.session():
                pass
        assert (caught.value.reason, caught.value.detail) == (
            *(Reason.AUTH,),
            "127.0.0.1 does not offer USER and PASS",
        )


REFUSALS = {
    "Server Unavailable. 21": Reason.UNAVAILABLE,  # Microsoft 365 (MailKit, issue 1494)
    "[SYS/TEMP] Server error - Please try again later.": Reason.UNAVAILABLE,  # Yahoo
    "Too many simultaneous connections": Reason.UNAVAILABLE,
    "maildrop already locked": Reason.UNAVAILABLE,  # RFC 1939 section 4
    # RFC 2449 section 8.1.2
    "[IN-USE] Do you have another POP session running?": Reason.UNAVAILABLE,
    "[AUTH] Too many simultaneous connections": Reason.AUTH,  # a code is worth more than words
    "Logon failure: unknown user name or bad password.": Reason.AUTH,
    "Too many failed login attempts, try again later": Reason.AUTH,  # to try again would prolong it
    "": Reason.AUTH,
}


@pytest.mark.parametrize("words", REFUSALS)
async def test_a_refusal_that_passes_is_no_wrong_password(words: str) -> None:
    text = (
        f"S: +OK\nC: CAPA\nS: -ERR\nC: USER me\nS: +OK\nC: PASS labpass\nS: -ERR {words}".rstrip()
        + "\n"
    )
    async with rig(text) as here:
        with pytest.raises(ProbeError) as caught:
            async with here.run.phase(Phase.OPEN), here.session():
                pass
    assert caught.value.reason is REFUSALS[words]
    assert here.run.failure(caught.value).step is Step.LOGIN
    assert (
        caught.value.detail
        == f"127.0.0.1 refuses the login{f': {words}' if words else ' and gives no reason'}"
    )


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (
            "S: * OK [CAPABILITY IMAP4rev1] Dovecot ready.",
            "this is an IMAP server: use `imap`, or POP3's port, 995 or 110",
        ),
        (
            "S: 220 mx.example.org ESMTP Postfix",
            "this is an SMTP server: for POP3 use port 995 or 110",
        ),
        ("S: SSH-2.0-OpenSSH_9.2p1", "this is an SSH server"),
        ("S: HTTP/1.1 400 Bad Request", "this is an HTTP server"),
    ],
)
@pytest.mark.parametrize("tls", ["none", "starttls"])
async def test_another_protocol_is_called_by_its_name_at_once(
    first: str, words: str, tls: str
) -> None:
    async with rig(f"[may hang up]\n{first}\n", tls=tls) as here:
        with pytest.raises(ProbeError) as caught:
            async with here.run.phase(Phase.OPEN), here.session():
                pass
    assert (caught.value.reason, here.run.failure(caught.value).step) == (
        Reason.PROTOCOL,
        Step.GREETING,
    )
    assert words in caught.value.detail


async def test_a_refused_stls_without_words_is_said_to_have_none() -> None:
    """popa3d answers with a bare -ERR."""
    async with rig("S: +OK\nC: CAPA\nS: -ERR\nC: STLS\nS: -ERR\n", tls="starttls") as here:
        with pytest.raises(ProbeError) as caught:
            async with here.session():
                pass
    assert (caught.value.reason, caught.value.detail) == (
        Reason.TLS,
        "127.0.0.1 refuses STLS and gives no reason",
    )
