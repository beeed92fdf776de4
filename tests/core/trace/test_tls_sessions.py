"""Which of several TLS sessions of a trip one is."""

from exporter.core.model import Reply, TlsSession
from exporter.core.phases import Leg
from exporter.core.trace.tls_sessions import with_sessions


def session(leg: Leg = Leg.SEND, host: str = "mx1.lab.test", mailbox: str = "") -> TlsSession:
    return TlsSession(leg, "TLSv1.3", "AES256", None, mailbox=mailbox, host=host)


def test_one_session_on_a_leg_needs_no_number() -> None:
    facts = (session(Leg.MAILBOX), session(), session(Leg.MAILBOX, mailbox="bounces"))
    assert [*with_sessions(facts)] == [(fact, "") for fact in facts]


def test_a_greylisted_message_has_several_sessions_with_one_server() -> None:
    facts = (session(Leg.MAILBOX), session(), session(), Reply(250, "Ok"))
    assert [which for _, which in with_sessions(facts)] == [
        *("", "session 1 of 2", "session 2 of 2", "")
    ]


def test_sessions_with_several_servers_name_each() -> None:
    facts = (session(), session(host="mx2.lab.test"), session())
    assert [which for _, which in with_sessions(facts)] == [
        "session 1 of 3, mx1.lab.test",
        "session 2 of 3, mx2.lab.test",
        "session 3 of 3, mx1.lab.test",
    ]
