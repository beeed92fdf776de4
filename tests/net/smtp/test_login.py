"""Logins and TLS that go wrong: a server that is cut off or freezes there, and a trip that is given
up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.senders.kind import Sender
from tests.support.fast_forward import fast_forward
from tests.support.left_behind import nothing_left_behind
from tests.support.name_server import names
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send
from tests.support.smtp_rig import ZONE
from tests.support.smtp_witness import (
    Act,
    Cut,
    Freeze,
    Line,
    Reply,
    SmtpWitness,
    Stage,
    Wait,
    witness,
)

HOST = {"host": "mx.example.test"}
LOGIN = {**HOST, "tls": "none", "username": "monitor", "password": "secret"}
WAYS: dict[str, tuple[str, dict[str, Any], Stage, Step]] = {
    "smtp, starttls": ("smtp", {**HOST, "tls": "starttls"}, Stage.STARTTLS, Step.TLS),
    "smtp, handshake after starttls": ("smtp", {**HOST, "tls": "starttls"}, Stage.TLS, Step.TLS),
    "smtp, handshake at once": ("smtp", {**HOST, "tls": "implicit"}, Stage.GREETING, Step.TLS),
    "smtp, plain": ("smtp", {**LOGIN, "auth": "plain"}, Stage.AUTH, Step.AUTH),
    "smtp, login": ("smtp", {**LOGIN, "auth": "login"}, Stage.AUTH, Step.AUTH),
    "smtp, cram-md5": ("smtp", {**LOGIN, "auth": "cram-md5"}, Stage.AUTH, Step.AUTH),
    "mx, starttls": ("mx", {"tls": "starttls"}, Stage.STARTTLS, Step.TLS),
    "mx, handshake after starttls": ("mx", {"tls": "starttls"}, Stage.TLS, Step.TLS),
}
every_way = pytest.mark.parametrize("way", WAYS)


@asynccontextmanager
async def rig(way: str, act: Act) -> AsyncIterator[tuple[SmtpWitness, Sender]]:
    kind, options, stage, _ = WAYS[way]
    async with (
        names(ZONE) as resolver,
        witness(offers=["STARTTLS", "AUTH PLAIN LOGIN CRAM-MD5"]) as one,
    ):
        one.always(stage, act)
        async with nothing_left_behind():
            yield one, make_sender(kind, {"port": one.port, **options}, resolver)
            await one.ended()
        assert not one.received
        assert len(one.lines) == 1


@every_way
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (Cut(), Reason.DISCONNECTED),
        (Cut(reset=True), Reason.DISCONNECTED),
        (Freeze(), Reason.TIMEOUT),
    ],
    ids=["cut", "reset", "frozen"],
)
@fast_forward
async def test_a_server_that_is_lost_in_the_middle_is_named(
    way: str, act: Act, reason: Reason
) -> None:
    async with rig(way, act) as (_, sender):
        run = new_run(0.5 if reason is Reason.TIMEOUT else 20)
        failure = await send(sender, probe_message(), run)
        assert failure is not None
        assert (failure.step, failure.reason) == (WAYS[way][3], reason)
        assert not run.uncertain


class WaitInHandshake(Wait):
    """Until the client has begun with it."""

    async def on(self, line: Line) -> bool:
        await line.reader.read(1)
        return await super().on(line)


@every_way
async def test_giving_up_in_the_middle_leaves_nothing(way: str) -> None:
    hold = WaitInHandshake() if "handshake" in way else Wait()
    async with rig(way, hold) as (_, sender):
        sending = asyncio.create_task(send(sender, probe_message(), new_run()))
        await hold.reached()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


@pytest.mark.parametrize("kind", ["smtp", "mx"])
@pytest.mark.parametrize("words", ["454 4.7.0 no TLS today", "502 what?"])
async def test_a_server_that_takes_its_offer_of_tls_back_gets_nothing(
    kind: str, words: str
) -> None:
    """In the clear it would go if somebody in the middle could refuse for the server."""
    async with rig(f"{kind}, starttls", Reply(words)) as (one, sender):
        failure = await send(sender, probe_message(), new_run())
        assert failure is not None
        assert (failure.step, failure.reason, failure.code) == (Step.TLS, Reason.TLS, words[:3])
        assert [command[:4] for command in one.commands] == ["EHLO", "STAR"]


@pytest.mark.parametrize("way", ["smtp, handshake at once", "smtp, starttls", "mx, starttls"])
async def test_authorities_that_cannot_be_read_cost_no_socket(way: str) -> None:
    async with rig(way, Freeze()) as (one, _), names(ZONE) as resolver:
        kind, options, _, _ = WAYS[way]
        sender = make_sender(kind, {"port": one.port, **options, "ca_file": "/nowhere"}, resolver)
        failure = await send(sender, probe_message(), new_run())
        assert (
            str(failure) == "send/tls: tls: cannot read ca_file /nowhere: No such file or directory"
        )
