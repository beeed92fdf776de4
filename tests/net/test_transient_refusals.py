import pytest

from exporter.net.transient_refusals import passes


@pytest.mark.parametrize(
    "text",
    [
        "Server Unavailable. 15",  # Exchange Online
        "Server Unavailable. 21",
        "Request is throttled. Suggested Backoff Time: 1000 milliseconds",
        "User is authenticated but not connected.",
        "Too many simultaneous connections. (Failure)",  # Gmail
        # Dovecot
        "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)",
        "Connection limit reached",
        "Too many connections from your host",
        "Temporary problem, please try again later",  # Courier
        # Dovecot, in Reply.text without code
        "[SYS/TEMP] Temporary authentication failure. [mail:2024-01-01 10:00:00]",
        "Temporary authentication failure",
        "maildrop already locked",  # RFC 1939 section 4
        "maildrop lock busy!  Is another session active? (11)",  # qpopper
        "Can't get lock.  Mailbox in use",  # UW ipop3d
        "unable to lock maildrop",  # RFC 1939's example of PASS
        "Unable to lock the mailbox, another POP session may be active",
        "mailbox in use by another session",
        "Server is busy, please try later",
        "System error, please try again",
        "internal error",
        "fatal error",  # solid-pop3d, when it cannot read the maildrop
        "Internal server error",
        "Mailbox temporarily unavailable",
        "Backend not available: service unavailable",
        "Login failed: server is too busy",
        "rate limit exceeded, retry in 30 s",
        "Authentication service timed out",
        "Server shutting down",
    ],
)
def test_a_refusal_that_sounds_as_if_it_would_pass(text: str) -> None:
    assert passes(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "Authentication failed.",
        "Logon failure: unknown user name or bad password.",
        "Invalid login or password",
        "Username and password not accepted.",
        "Too many failed login attempts, try again later",
        "Too many login failures. Please try again in 10 minutes",
        "too many invalid commands, try again",
        "Your account has been temporarily locked, please try again later",
        "Account is temporarily disabled",
        "User is locked out",
        "Too many authentication failures",
        "authentication attempts blocked: wrong credentials; try later",
        "Web login required: https://support.google.com/mail/answer/78754",
        "POP access is not allowed for this account",
        "unknown command",
        "no such message",
        "Blocked by policy",
        "unlocking is not supported",
    ],
)
def test_a_refusal_that_stays(text: str) -> None:
    assert not passes(text)


def test_a_long_text_costs_little() -> None:
    for word in ("too many ", "mailbox ", "account temporarily ", "cannot ", "limit of "):
        passes(word * 3000)
