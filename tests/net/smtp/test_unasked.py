"""Replies with more behind them, or less, than RFC 5321 knows."""

import pytest

from exporter.core.model import Reply as Fact
from exporter.core.trace.run import Run
from tests.support.name_server import names
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send
from tests.support.smtp_rig import ZONE
from tests.support.smtp_witness import Act, Line, Reply, Stage, witness


class Bytes:
    """Says these, and perhaps closes the connection."""

    def __init__(self, said: bytes, *, close: bool = False, goes_on: bool = False) -> None:
        self._said, self._close, self._goes_on = said, close, goes_on

    async def on(self, line: Line) -> bool:
        line.writer.write(self._said)
        if self._close:
            line.writer.close()
        return self._goes_on


async def sent(stage: Stage, act: Act, **options: str) -> tuple[Run, str]:
    async with names(ZONE) as resolver, witness() as one:
        one.act(stage, act)
        given = {"host": "mx.example.test", "port": one.port, "tls": "none", **options}
        run = new_run(20)
        return run, str(
            await send(make_sender("smtp", given, resolver), probe_message(), run) or ""
        )


@pytest.mark.parametrize(
    ("stage", "said", "place"),
    [
        (Stage.GREETING, "220 hello\r\n220 hello again", "send/ehlo"),
        (Stage.EHLO, "250 mx\r\n250 SIZE", "send/mail"),
        (Stage.MAIL, "250 ok\r\n250 ok", "send/rcpt"),
        (Stage.RCPT, "250 ok\r\n354 go on", "send/data"),
        (Stage.DATA, "354 go on\r\n250 2.0.0 taken before it was sent", "send/data"),
    ],
)
async def test_a_reply_that_nobody_has_asked_for_is_nobody_s_answer(
    stage: Stage, said: str, place: str
) -> None:
    run, failure = await sent(stage, Reply(said))
    extra = said.rpartition("\r\n")[2]
    assert failure.startswith(
        f"{place}: protocol: unsolicited response from mx.example.test: {extra}"
    )
    assert run.accepted is None
    assert not run.uncertain


@pytest.mark.parametrize("stage", [Stage.EHLO, Stage.MAIL, Stage.RCPT])
async def test_421_behind_a_reply_ends_the_conversation(stage: Stage) -> None:
    _, failure = await sent(stage, Reply("250 ok\r\n421 4.3.2 shutting down"))
    assert failure.endswith(": unavailable 421: mx.example.test answered 421 4.3.2 shutting down")


async def test_what_follows_the_acceptance_changes_nothing() -> None:
    run, failure = await sent(Stage.DOT, Reply("250 2.0.0 Ok: queued\r\n421 4.3.2 shutting down"))
    assert not failure
    assert [fact.code for fact in run.facts if isinstance(fact, Fact)] == [250]


@pytest.mark.parametrize("stage", [Stage.GREETING, Stage.MAIL, Stage.DATA, Stage.DOT])
async def test_an_empty_line_before_a_reply_does_not_matter(stage: Stage) -> None:
    _, failure = await sent(stage, Bytes(b"\r\n", goes_on=True))
    assert not failure


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DOT])
async def test_an_empty_line_behind_a_reply_does_not_matter(stage: Stage) -> None:
    _, failure = await sent(stage, Reply("250 ok\r\n"))
    assert not failure


@pytest.mark.parametrize(
    "said", [b"250 2.0.0 Ok: queued", b"250", b"250-2.0.0 Ok\r\n250 queued", b"250 ok\r"]
)
async def test_a_last_line_without_its_end_is_a_reply_when_the_connection_ends(said: bytes) -> None:
    run, failure = await sent(Stage.DOT, Bytes(said, close=True))
    assert not failure
    assert run.accepted is not None
    assert not run.uncertain


@pytest.mark.parametrize("said", [b"25", b"250-2.0.0 Ok", b"250-2.0.0 Ok\r\n", b"2500 x"])
async def test_less_than_a_line_is_none(said: bytes) -> None:
    run, failure = await sent(Stage.DOT, Bytes(said, close=True))
    assert failure.startswith("send/data: disconnected")
    assert run.uncertain


async def test_before_a_recipient_is_named_no_mailbox_can_be_full() -> None:
    _, failure = await sent(Stage.MAIL, Reply("552 message size exceeds fixed maximum"))
    assert failure.startswith("send/mail: rejected 552")


async def test_a_tab_separates_what_is_offered() -> None:
    said = "250-mx\r\n250-AUTH\tLOGIN\tPLAIN\r\n250 HELP"
    _, failure = await sent(Stage.EHLO, Reply(said), username="me", password="s3same")
    assert not failure
