"""A password goes to the server, and nowhere else."""

import os
import re
import threading
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from exporter.core.model import Reply
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.senders import SendOptions
from exporter.senders.one_server_options import OneServerOptions
from tests.support.name_server import names
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send
from tests.support.smtp_rig import ZONE
from tests.support.smtp_witness import Line, Stage, witness
from tests.support.smtp_witness import Reply as Answer

USER, PASSWORD = "monitor", "correct horse"
MECHANISMS = ["plain", "login", "cram-md5"]


class Parrot:
    """Repeats what it has heard of the login, in the clear and in base64."""

    def __init__(self, code: str, *more: str) -> None:
        self._code = code
        self._words = more

    async def on(self, line: Line) -> bool:
        heard = [word for command in line.commands[1:] for word in command.split()]
        words = [PASSWORD, *encoded(PASSWORD), *heard, *self._words]
        line.say(
            *(f"{self._code}-no: {word}" for word in words), f"{self._code} and {PASSWORD} again"
        )
        line.writer.close()
        return False


def encoded(text: str) -> list[str]:
    return [b64encode(text.encode()).decode(), b64encode(f"\0{USER}\0{text}".encode()).decode()]


async def log_in(
    answer: Parrot | Answer | None, mechanism: str, **options: Any
) -> tuple[Run, str, list[str]]:
    """What is told of it: the failure's detail, and what the server has heard."""
    async with names(ZONE) as resolver, witness(offers=["AUTH PLAIN LOGIN CRAM-MD5"]) as one:
        given = {
            "host": "mx.example.test",
            "port": one.port,
            "tls": "none",
            "username": USER,
            "password": PASSWORD,
        }
        sender = make_sender("smtp", given | {"auth": mechanism} | options, resolver)
        if answer:
            one.always(Stage.AUTH, answer)
        run = new_run()
        failure = await send(sender, probe_message(), run)
        return run, str(failure), one.commands


def everything_shown(run: Run, failure: str) -> str:
    replies = [fact.text for fact in run.facts if isinstance(fact, Reply)]
    return "\n".join([failure, *run.transcript, *(span.note for span in run.spans), *replies])


def test_only_these_know_a_password() -> None:
    """Another kind of sender that learns to log in belongs into this file; `lmtp` logs in as `smtp`
    does, and `jmap` has its own tests in test_jmap.py."""
    options = SendOptions.kinds()
    assert [kind for kind in SendOptions.choices if "password" in options[kind].model_fields] == [
        "smtp",
        "lmtp",
        "jmap",
    ]
    assert issubclass(options["smtp"], OneServerOptions)
    assert issubclass(options["lmtp"], OneServerOptions)


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_login_that_works_tells_no_secret(mechanism: str) -> None:
    run, failure, commands = await log_in(None, mechanism)
    assert failure == "None"
    assert re.search(
        rf"C: AUTH {mechanism.upper()}( <secret>|\n.*\n.*C: <secret>)",
        everything_shown(run, failure),
    )
    expect_no_secret(run, failure, commands)


@pytest.mark.parametrize("code", ["535", "454", "what"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_server_that_repeats_the_login_does_not_spread_it(
    mechanism: str, code: str
) -> None:
    run, failure, commands = await log_in(Parrot(code), mechanism)
    reason = {"535": Reason.AUTH, "454": Reason.UNAVAILABLE, "what": Reason.PROTOCOL}[code]
    assert failure.startswith(f"send/{Step.AUTH}: {reason}")
    assert "<secret>" in failure
    expect_no_secret(run, failure, commands)


def expect_no_secret(run: Run, failure: str, commands: list[str]) -> None:
    text = everything_shown(run, failure)
    answer = commands[2].split()[-1] if commands[1].endswith("CRAM-MD5") else "nothing"
    for secret in [PASSWORD, *encoded(PASSWORD), answer]:
        assert secret not in text


async def test_a_short_password_does_not_spoil_a_challenge() -> None:
    run, failure, commands = await log_in(None, "cram-md5", password="P")
    assert failure == "None"
    assert run.accepted is not None
    assert len(commands[2]) > 40


async def test_after_the_login_a_short_password_hides_nothing() -> None:
    run, _, _ = await log_in(None, "plain", password="Ok")
    assert any(line.endswith("S: 250 2.1.0 Ok") for line in run.transcript)


async def test_a_password_that_is_no_text_goes_out_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", b"\xe4\xf6".decode(errors="surrogateescape"))
    _, failure, commands = await log_in(None, "plain", password={"env": "SMTP_PASSWORD"})
    assert failure == "None"
    assert commands[1].split()[-1] == b64encode(b"\0monitor\0\xe4\xf6").decode()


async def test_a_secret_that_cannot_be_read_fails_the_login_and_nothing_before_it() -> None:
    missing = {"file": "/nonexistent/password"}
    _, failure, commands = await log_in(None, "plain", password=missing)
    assert (
        failure
        == "send/auth: auth: cannot read the secret in /nonexistent/password: No such file or"
        " directory"
    )
    assert [command[:4] for command in commands] == ["EHLO"]
    async with names(ZONE) as resolver, witness() as one:
        one.act(Stage.GREETING, Answer("554 not now"))
        given = {
            "host": "mx.example.test",
            "port": one.port,
            "tls": "none",
            "username": USER,
            "password": missing,
        }
        failed = await send(make_sender("smtp", given, resolver), probe_message(), new_run())
    assert str(failed) == "send/greeting: rejected 554: mx.example.test answered 554 not now"


async def test_a_pipe_is_read_once_for_a_session(tmp_path: Path) -> None:
    pipe = tmp_path / "password"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(f"{PASSWORD}\n",), daemon=True)
    writer.start()
    async with names(ZONE) as resolver, witness(offers=["AUTH PLAIN"]) as one:
        one.always(Stage.GREETING, Answer(f"220 hello {PASSWORD}"))
        given = {"host": "mx.example.test", "port": one.port, "tls": "none", "username": USER}
        sender = make_sender("smtp", given | {"password": {"file": str(pipe)}}, resolver)
        run = new_run()
        assert await send(sender, probe_message(), run) is None
    writer.join()
    assert one.commands[1].split()[-1] == encoded(PASSWORD)[1]
    assert "S: 220 hello <secret>" in everything_shown(run, "")
