"""What the parts of a probe can do, and fail with."""

import pytest

from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.scope import BlocklistScope, RoundTripScope
from exporter.core.steps import Step
from exporter.settings import Settings
from tests.support.scopes import EXCHANGER, PLAIN, REFUSED, SUBMISSION

OF_SMTP = {Step.RESOLVE, Step.CONNECT, Step.GREETING, Step.EHLO, Step.MAIL, Step.RCPT, Step.DATA}
BEFORE_SMTP = {Step.RESOLVE, Step.CONNECT, Step.GREETING}


def reasons(scope: RoundTripScope, phase: Phase) -> set[Reason]:
    return {reason for at, reason in scope.failures if at is phase}


def scope_of(roundtrip: str, mailboxes: str = "{}") -> RoundTripScope:
    text = f"mailboxes: {mailboxes}\nmodules: {{m: {{roundtrip: {{{roundtrip}}}}}}}"
    found = Settings.parse(text.encode(), "x.yml").scope("m")
    assert isinstance(found, RoundTripScope)
    return found


def test_tls_and_a_login_have_steps_only_if_they_are_configured() -> None:
    assert SUBMISSION.sending == OF_SMTP | {Step.TLS, Step.AUTH}
    assert PLAIN.sending == REFUSED.sending == OF_SMTP
    assert EXCHANGER.sending == OF_SMTP | {Step.TLS, Step.RETRY}
    assert {Reason.TLS, Reason.AUTH} <= reasons(SUBMISSION, Phase.SEND)
    assert Reason.TLS not in reasons(PLAIN, Phase.OPEN)
    assert Reason.AUTH not in reasons(EXCHANGER, Phase.SEND)
    assert scope_of(
        "from: a@example.org, send: {mx: {tls: none}}, expect: {code: 554}"
    ).sending == (OF_SMTP | {Step.RETRY})


def test_a_server_may_want_tls_of_those_who_have_none() -> None:
    """RFC 3207 section 4: `530 Must issue a STARTTLS command first`."""
    exchanger = "from: a@example.org, send: {mx: {tls: none}}, expect: {code: 554}"
    for one in (PLAIN, scope_of(exchanger)):
        assert Step.TLS not in one.sending
        assert Reason.TLS in reasons(one, Phase.SEND)


@pytest.mark.parametrize("send", ["smtp: {host: h, tls: none}", "lmtp: {host: h}"])
def test_a_server_may_want_a_login_of_those_who_have_none(send: str) -> None:
    """RFC 4954 section 6: `530 5.7.0 Authentication required`."""
    made = scope_of(f"from: a@example.org, send: {{{send}}}, expect: {{code: 554}}")
    assert Step.AUTH not in made.sending
    assert Reason.AUTH in reasons(made, Phase.SEND)


def test_a_null_mx_is_for_those_who_look_for_one_and_programs_for_those_who_run_one() -> None:
    assert Reason.NULL_MX in reasons(EXCHANGER, Phase.SEND)
    assert Reason.NULL_MX not in reasons(SUBMISSION, Phase.SEND)
    program = scope_of("from: a@example.org, send: {sendmail: {}}, expect: {code: 77}")
    assert program.sending == {Step.PROGRAM}
    assert {Reason.PROGRAM, Reason.AUTH, Reason.TLS} <= reasons(program, Phase.SEND)
    assert Reason.CONNECT not in reasons(program, Phase.SEND)


MAILBOXES = {
    "imap": ("{host: h}", BEFORE_SMTP | {Step.TLS, Step.SELECT, Step.FETCH, Step.DELETE}),
    "pop3": (
        "{host: h, tls: none, username: u, password: p}",
        BEFORE_SMTP | {Step.LOGIN, Step.FETCH, Step.DELETE},
    ),
    "maildir": ("{path: /d}", {Step.SELECT, Step.FETCH, Step.DELETE}),
    "smtpd": ('{listen: "127.0.0.1:2525", recipients: [a@example.org]}', set[Step]()),
}


@pytest.mark.parametrize("kind", MAILBOXES)
def test_a_mailbox_has_the_steps_of_its_kind(kind: str) -> None:
    options, steps = MAILBOXES[kind]
    made = scope_of(
        "from: b@example.org, send: {sendmail: {}}, mailbox: m", f"{{m: {{{kind}: {options}}}}}"
    )
    assert made.mailbox == steps
    at_open = reasons(made, Phase.OPEN)
    assert (Reason.DNS in at_open) is (Step.RESOLVE in steps)
    assert (Reason.AUTH in at_open) is (Step.LOGIN in steps)
    assert (Reason.TLS in at_open) is (Step.TLS in steps)
    assert bool(reasons(made, Phase.DELETE)) is (Step.DELETE in steps)
    assert made.sorts_junk is (Reason.JUNK in reasons(made, Phase.VERIFY)) is (Step.SELECT in steps)
    assert at_open, "the rules subtract failures at open, and need one"


def test_nothing_is_awaited_of_a_message_that_must_be_refused() -> None:
    assert {phase for phase, _ in REFUSED.failures} == {Phase.SEND}
    assert Reason.ACCEPTED in reasons(REFUSED, Phase.SEND)
    assert not REFUSED.arrives
    assert not REFUSED.bounces
    assert not REFUSED.mailbox
    assert Reason.ACCEPTED not in reasons(SUBMISSION, Phase.SEND)


def test_a_bounce_is_expected_where_mail_to_its_sender_arrives() -> None:
    assert SUBMISSION.bounces
    assert not EXCHANGER.bounces, "its receiver accepts nothing for the sender"
    own = "{own: {smtpd: {listen: '127.0.0.1:1025', recipients: [a@example.org]}}}"
    assert scope_of("from: a@example.org, send: {sendmail: {}}, mailbox: own", own).bounces


def test_junk_that_is_no_failure_is_counted_all_the_same() -> None:
    maildir = "{m: {maildir: {path: /d}}}"
    made = scope_of("from: a@example.org, send: {sendmail: {}}, mailbox: m, junk: ok", maildir)
    assert made.sorts_junk
    assert Reason.JUNK not in reasons(made, Phase.VERIFY)


FILTERED = "from: a@example.org, send: {sendmail: {}}, mailbox: m, payload: eicar, expect: {%s}"
MAILDIR = "{m: {maildir: {path: /d}}}"


def test_a_message_that_must_be_filed_as_spam_is_awaited_and_may_be_let_through() -> None:
    made = scope_of(FILTERED % "junk: true", MAILDIR)
    assert made.arrives
    assert {Reason.ACCEPTED, Reason.ALTERED} <= reasons(made, Phase.VERIFY)
    assert Reason.JUNK not in reasons(made, Phase.VERIFY)
    assert not made.sorts_junk, "no alert about what is expected"


def test_a_message_that_must_be_lost_has_no_delay_and_cannot_be_overdue() -> None:
    made = scope_of(FILTERED % "lost: true", MAILDIR)
    assert made.looks
    assert not made.arrives
    assert reasons(made, Phase.VERIFY) == {Reason.ACCEPTED}
    assert Reason.ACCEPTED not in reasons(made, Phase.SEND)


def test_a_payload_that_must_be_refused_needs_its_mailbox_open() -> None:
    made = scope_of(FILTERED % "code: 554", MAILDIR)
    assert {phase for phase, _ in made.failures} == {Phase.OPEN, Phase.SEND}
    assert made.mailboxes == ("m",)
    assert Step.DELETE in made.mailbox
    assert not made.arrives


@pytest.mark.parametrize("folders", ["[INBOX]", "[inbox, Junk]"])
@pytest.mark.parametrize(
    "kind", ["imap: {host: h, folders: %s}", "maildir: {path: /d, folders: %s}"]
)
def test_junk_is_found_only_beside_the_inbox(kind: str, folders: str) -> None:
    mailbox = "{m: {%s}}" % (kind % folders)
    made = scope_of("from: a@example.org, send: {sendmail: {}}, mailbox: m", mailbox)
    assert made.sorts_junk is ("Junk" in folders)


def test_only_exchangers_are_tried_again_and_in_plain_text() -> None:
    assert EXCHANGER.retries
    assert EXCHANGER.falls_back
    assert not SUBMISSION.retries
    assert not SUBMISSION.falls_back


def test_nobody_foresees_a_bug() -> None:
    for scope in (SUBMISSION, EXCHANGER, PLAIN, REFUSED):
        assert Reason.INTERNAL not in {reason for _, reason in scope.failures}


def test_a_blocklist_check_is_known_by_its_lists() -> None:
    text = b"modules: {m: {dnsbl: {lists: [a.test, b.test], domain_lists: [b.test, c.test]}}}"
    assert Settings.parse(text, "x.yml").scope("m") == BlocklistScope(
        ("a.test", "b.test", "c.test")
    )
