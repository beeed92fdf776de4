"""Whatever is typed on the command line: options, or errors of one line each."""

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.commands.route import FROM_ENVIRONMENT, NO_STATE, Route
from exporter.commands.setup.configuration import text_of
from exporter.config.mistakes import Mistakes
from exporter.config.server_url import with_user
from exporter.settings import Settings

WORDS = st.text(st.characters(), max_size=20) | st.text(
    "smtp:/@?&=%#[]0123456789.\\ x", max_size=30
)
STARTS = st.sampled_from(["", "smtp://", "imaps://", "mx:", "maildir://", "jmap://", "lmtp:/"])
URLS = st.builds("".join, st.tuples(STARTS, WORDS))
GOOD = "smtp://me@h.example", "imaps://me@h.example", "a@example.org", ""


@given(URLS, URLS, WORDS, WORDS)
@example("smtp://a%0Ab@h.example", "imaps://a%00b@h.example", "a@example.org", "")
@example(*GOOD[:2], "a@example.org", "\udcff@example.org")
@example(*GOOD[:2], "a@ex\udcffample.org", "")
@example("smtp://h.example?port=99999999", "imaps://me@h.example?x=1", "a@example.org", "")
@example("smtp://h.example?ehlo_name=%0d%0aQUIT", *GOOD[1:])
@example("smtp://h.example?oauth2=x&client_certificate=y&tls=z", *GOOD[1:])
def test_every_error_is_one_line(send: str, mailbox: str, recipient: str, sender: str) -> None:
    try:
        settings = Route(send, mailbox, recipient, sender).reading(NO_STATE).options
    except Mistakes as mistakes:
        for one in mistakes.mistakes:
            assert str(one).isprintable()
            assert one.file in ("--send", "--mailbox", "--from", "TARGET")
    else:
        assert all(mailbox.how.place.isprintable() for mailbox in settings.mailboxes.values())


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1))
def test_a_user_with_any_name_is_the_same_in_a_file(user: str) -> None:
    send, _, recipient, _ = GOOD
    route = Route(
        send.replace("me", "x"), with_user("imaps://h.example", user), recipient, recipient
    )
    try:
        tried = route.reading(NO_STATE).options
    except Mistakes:  # blanks at its ends, or looks like a variable
        return
    written = Settings.parse(text_of(route, FROM_ENVIRONMENT).encode(), "")
    assert [*written.mailboxes.values()] == [*tried.mailboxes.values()]
