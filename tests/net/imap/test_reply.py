"""What the answer to an IMAP command means, by its code (RFC 5530) or by its words."""

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.imap.reply import Reply


def reply(result: str, text: str = "", code: str = "") -> Reply:
    return Reply("imap.example.org", result, code, text, [])


def error_of(made: Reply, refused: Reason = Reason.AUTH) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        made.data("the login", refused)
    return caught.value


@pytest.mark.parametrize(
    ("code", "text", "reason", "shown"),
    [
        ("UNAVAILABLE", "later", Reason.UNAVAILABLE, "UNAVAILABLE"),
        ("INUSE", "", Reason.UNAVAILABLE, "INUSE"),
        ("OVERQUOTA", "full", Reason.MAILBOX_FULL, "OVERQUOTA"),
        ("AUTHENTICATIONFAILED", "temporary failure", Reason.AUTH, "AUTHENTICATIONFAILED"),
        ("AUTHENTICATIONFAILED", "wrong", Reason.AUTH, "AUTHENTICATIONFAILED"),
        ("X-OWN", "no", Reason.AUTH, ""),
        ("", "Authentication failed.", Reason.AUTH, ""),
        ("", "LOGIN Server Unavailable. 15", Reason.UNAVAILABLE, ""),
        ("", "Too many simultaneous connections. (Failure)", Reason.UNAVAILABLE, ""),
        ("", "internal authentication failure", Reason.UNAVAILABLE, ""),
        ("", "invalid password, try again", Reason.AUTH, ""),
        ("", "account temporarily locked", Reason.AUTH, ""),
        ("", "login failed, try again later", Reason.AUTH, ""),
        ("", "please try again", Reason.UNAVAILABLE, ""),
        ("UNAVAILABLE", "wrong password", Reason.UNAVAILABLE, "UNAVAILABLE"),
    ],
)
def test_a_refusal_is_judged_by_its_code_and_then_by_its_words(
    code: str, text: str, reason: Reason, shown: str
) -> None:
    error = error_of(reply("NO", text, code))
    assert (error.reason, error.code) == (reason, shown)
    assert text in error.detail


def test_a_code_says_that_a_refusal_is_temporary_whatever_its_words() -> None:
    assert reply("NO", "wrong password", "UNAVAILABLE").passing
    assert not reply("NO", "server busy", "OVERQUOTA").passing
    assert not reply("NO", "server busy", "NOPERM").passing


def test_what_is_not_understood_is_a_matter_of_protocol() -> None:
    assert error_of(reply("BAD", "command unknown")).reason is Reason.PROTOCOL
    assert error_of(reply("BAD", "server busy")).reason is Reason.UNAVAILABLE


def test_a_success_has_its_data() -> None:
    assert reply("OK", "try again later").data("the login") == []
    assert not reply("OK", "server busy").passing


def test_messages_that_are_gone_are_no_failure_of_the_others() -> None:
    assert reply("NO", "some are gone", "EXPUNGEISSUED").what_is_left("FETCH") == []
    with pytest.raises(ProbeError):
        reply("NO", "some are gone").what_is_left("FETCH")


@pytest.mark.parametrize(
    ("result", "text", "code", "refused"),
    [
        ("NO", "Unsupported authentication mechanism.", "", True),
        ("NO", "LOGIN is disabled", "", True),
        ("NO", "authentication failed", "", False),
        ("NO", "mechanism not supported", "AUTHENTICATIONFAILED", False),
        ("NO", "command unknown, server busy", "", False),
        ("BAD", "what?", "", True),
        ("BAD", "Authentication failed", "", False),
        ("BAD", "wrong password", "", False),
        ("OK", "mechanism not supported", "", False),
    ],
)
def test_another_mechanism_is_worth_a_try_only_if_this_one_was_refused(
    result: str, text: str, code: str, *, refused: bool
) -> None:
    assert reply(result, text, code).mechanism_refused is refused


@pytest.mark.parametrize(
    ("result", "code", "reason", "shown"),
    [
        ("BYE", "", Reason.UNAVAILABLE, ""),
        ("NO", "LIMIT", Reason.UNAVAILABLE, "LIMIT"),
        ("BYE", "CONTACTADMIN", Reason.REJECTED, "CONTACTADMIN"),
        ("BYE", "X-OWN", Reason.UNAVAILABLE, ""),
        ("HELLO", "", Reason.PROTOCOL, ""),
    ],
)
def test_a_greeting_that_is_none_is_a_limit_a_ban_or_another_protocol(
    result: str, code: str, reason: Reason, shown: str
) -> None:
    error = reply(result, "go away", code).no_greeting()
    assert (error.reason, error.code) == (reason, shown)
    assert "go away" in error.detail
