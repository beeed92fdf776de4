"""What the options of a round trip allow together."""

import pytest

from exporter.config.mistakes import Mistakes
from exporter.settings import Settings


def test_a_message_needs_a_mailbox_unless_it_must_be_refused() -> None:
    text = "modules: {a: {roundtrip: {from: a@b.example, send: {mx: {}}, %s}}}"
    Settings.parse((text % "expect: {code: 554}").encode(), "mailtrip.yml")
    with pytest.raises(Mistakes, match="mailbox is missing"):
        Settings.parse((text % "junk: ok").encode(), "mailtrip.yml")


@pytest.mark.parametrize("home", ["reply", "delivery_status"])
@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("expect: {lost: true}", "use expect or home"),
        ("require: [dkim]", "use require or home"),
        ("trusted_authserv_id: mx.example", "use trusted_authserv_id or home"),
        ("blocklists: [bl.example]", "use blocklists or home"),
        ("bounces: m", "use bounces or home"),
    ],
)
def test_what_the_message_alone_shows_is_not_asked_of_what_comes_instead(
    home: str, more: str, problem: str
) -> None:
    text = """mailboxes: {m: {maildir: {path: /m}}}
modules: {a: {roundtrip: {from: a@b.example, send: {mx: {}}, mailbox: m, home: %s, %s}}}"""
    with pytest.raises(Mistakes, match=problem):
        Settings.parse((text % (home, more)).encode(), "mailtrip.yml")


def test_a_sender_that_cannot_ask_for_notifications_is_a_mistake() -> None:
    text = b"""mailboxes: {m: {maildir: {path: /m}}}
modules: {a: {roundtrip: {from: a@b.example, send: {sendmail: {}}, mailbox: m, home: delivery_status}}}"""  # noqa: E501
    with pytest.raises(Mistakes, match="this sender cannot ask for notifications"):
        Settings.parse(text, "mailtrip.yml")
