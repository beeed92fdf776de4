"""Delivery by LMTP (RFC 2033): real delivery agents, each with its verdict on one recipient."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.core.model import Failure, Reply, TlsSession
from exporter.core.phases import Phase
from exporter.core.queue_name import queue_name
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.senders import SendOptions
from exporter.senders.lmtp import LmtpOptions
from tests.lab.client import Lab, LabUser
from tests.lab.facts import PASSWORD
from tests.lab.shell import wait_until
from tests.support.cyrus import Cyrus
from tests.support.sender_rig import make_sender
from tests.support.sending import HEAD, SENDER, new_run, probe_message, send, steps
from tests.support.smtp_rig import STEPS
from tests.support.smtp_witness import Reply as Says
from tests.support.smtp_witness import SmtpWitness, Stage, witness

LOGINS = [
    "scram-sha-256-plus",
    "scram-sha-512-plus",
    "scram-sha-1-plus",
    "scram-sha-256",
    "scram-sha-512",
    "scram-sha-1",
    "cram-md5",
]
LARGE = HEAD + b"x" * 900 + b"\r\n" + b"y" * 900 + b"\r\n"  # more than a KiB


async def deliver(
    options: dict[str, Any], recipient: str, raw: bytes = b"", dns: str = "127.0.0.1:1"
) -> tuple[Run, Failure | None]:
    run, message = new_run(), probe_message(recipient)
    if raw:
        message = type(message)(SENDER, recipient, raw)
    sender = make_sender("lmtp", options, Resolver([dns]))
    return run, await send(sender, message, run)


def place(failure: Failure | None) -> tuple[Step | None, Reason, str]:
    assert failure
    assert failure.phase is Phase.SEND
    return failure.step, failure.reason, failure.code


class TestDovecot:
    async def test_it_stores_the_message_itself(self, lab: Lab, lab_user: LabUser) -> None:
        run, failure = await deliver({"host": "imap.lab.test"}, lab_user.address, dns=lab.dns)
        assert failure is None
        assert steps(run) == [Step.RESOLVE, *STEPS]
        (mail,) = lab_user.mails()  # at once: there is no queue
        assert b"for <" + lab_user.address.encode() in mail.content
        log, session = lab.directory / "log/dovecot.log", f"<{queue_name(run.answer)}>"
        assert await asyncio.to_thread(wait_until, lambda: session in log.read_text(), 10)

    @pytest.mark.parametrize(
        ("recipient", "expected"),
        [
            ("nobody@lab.test", (Step.RCPT, Reason.REJECTED, "550")),
            ("full@lab.test", (Step.DATA, Reason.MAILBOX_FULL, "552")),
        ],
    )
    async def test_it_refuses_one_recipient(
        self, lab: Lab, recipient: str, expected: tuple[Step, Reason, str]
    ) -> None:
        run, failure = await deliver({"host": lab.imap_ip}, recipient)
        assert place(failure) == expected
        assert recipient in str(failure)
        assert run.accepted is None

    async def test_a_server_that_is_stopped_is_named_with_its_port(self, lab: Lab) -> None:
        await asyncio.to_thread(lab.stop, "store")
        _, failure = await deliver({"host": lab.imap_ip}, "probe@lab.test")
        assert place(failure) == (Step.CONNECT, Reason.CONNECT, "")
        assert f"{lab.imap_ip}:24: connection refused" in str(failure)

    async def test_a_relay_is_no_delivery_agent(self, lab: Lab) -> None:
        _, failure = await deliver({"host": lab.relay_ip, "port": 25}, "probe@lab.test")
        assert place(failure)[:2] == (Step.EHLO, Reason.PROTOCOL)
        assert "not an LMTP server? For an SMTP server use `smtp`" in str(failure)


class TestCyrus:
    async def test_it_takes_messages_from_a_unix_socket(self, cyrus: Cyrus) -> None:
        run, failure = await deliver({"socket": cyrus.socket}, "probe@lab.test", LARGE)
        assert failure is None
        assert steps(run) == list(STEPS)
        (mail,) = cyrus.mails()
        assert mail.endswith(LARGE)
        assert queue_name(run.answer).startswith("mailtrip-tests-")

    async def test_it_refuses_an_unknown_user(self, cyrus: Cyrus) -> None:
        _, failure = await deliver({"socket": cyrus.socket}, "nobody@lab.test")
        assert place(failure) == (Step.RCPT, Reason.REJECTED, "550")
        assert "5.1.1" in str(failure)

    async def test_a_mailbox_over_quota_is_full(self, cyrus: Cyrus) -> None:
        assert (await deliver({"socket": cyrus.socket}, "full@lab.test", LARGE))[1] is None
        _, failure = await deliver({"socket": cyrus.socket}, "full@lab.test", LARGE)
        assert place(failure) == (Step.RCPT, Reason.MAILBOX_FULL, "452")

    async def test_over_the_network_it_wants_a_login(self, cyrus: Cyrus) -> None:
        _, failure = await deliver({"host": cyrus.host, "port": cyrus.port}, "probe@lab.test")
        assert place(failure) == (Step.MAIL, Reason.AUTH, "430")

    @pytest.mark.parametrize("auth", [*LOGINS, None])
    @pytest.mark.parametrize("right", [True, False])
    async def test_it_knows_who_knows_the_password(
        self, cyrus: Cyrus, auth: str | None, right: bool
    ) -> None:
        """With TLS 1.2, where a login can be bound to its session."""
        password = PASSWORD if right else "another"
        options = {
            "host": cyrus.host,
            "port": cyrus.login_port,
            "tls": "starttls",
            "ca_file": cyrus.ca,
            "server_name": cyrus.name,
            "username": cyrus.agent,
            "password": password,
            "auth": auth,
        }
        run, failure = await deliver(options, "nobody@lab.test")
        assert place(failure)[:2] == (
            (Step.RCPT, Reason.REJECTED) if right else (Step.AUTH, Reason.AUTH)
        )
        said = "\n".join(run.transcript)
        # The best of all is used where none is chosen.
        assert f"C: AUTH {(auth or LOGINS[0]).upper()}" in said
        assert password not in said

    async def test_it_speaks_tls(self, cyrus: Cyrus) -> None:
        options = {"host": cyrus.host, "port": cyrus.port, "tls": "starttls", "ca_file": cyrus.ca}
        run, _ = await deliver({**options, "server_name": cyrus.name}, "probe@lab.test")
        (tls,) = (fact for fact in run.facts if isinstance(fact, TlsSession))
        assert tls.version == "TLSv1.3"


@asynccontextmanager
async def agent(path: Path) -> AsyncIterator[SmtpWitness]:
    """An agent that listens on a Unix socket."""
    one = SmtpWitness([])
    server = await asyncio.start_unix_server(one.serve, path)
    async with server:
        yield one


async def test_a_reply_after_the_message_is_a_verdict(tmp_path: Path) -> None:
    async with agent(tmp_path / "lmtp") as server:
        server.act(Stage.DOT, Says("451 4.3.0 <someone@example.test> Temporary failure"))
        run, failure = await deliver({"socket": f"{tmp_path}/lmtp"}, "someone@example.test")
        await server.ended()
    assert place(failure) == (Step.DATA, Reason.DEFERRED, "451")
    assert [fact.code for fact in run.facts if isinstance(fact, Reply)] == [451]
    assert len(server.received) == 1  # it is not sent again
    assert server.commands[0].startswith("LHLO ")


async def test_it_never_says_ehlo_or_helo() -> None:
    async with witness() as server:
        server.always(Stage.EHLO, Says("500 5.5.1 Unknown command"))
        _, failure = await deliver({"host": "127.0.0.1", "port": server.port}, "a@example.test")
        await server.ended()
    assert place(failure) == (Step.EHLO, Reason.PROTOCOL, "500")
    assert [command.split()[0] for command in server.commands] == ["LHLO"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing", "no such file or directory"), ("file", "connection refused")],
)
async def test_a_socket_that_nobody_serves_is_named(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").write_text("")
    run, failure = await deliver({"socket": f"{tmp_path}/{name}"}, "a@example.test")
    assert place(failure) == (Step.CONNECT, Reason.CONNECT, "")
    assert str(failure).endswith(f"cannot connect to the socket {tmp_path}/{name}: {words}")
    assert not run.facts


MISTAKES = {
    "one of these is missing: host, socket": {},
    "only one of these can be given: host, socket": {"host": "a.test", "socket": "/run/lmtp"},
    "socket excludes port, tls": {"socket": "/run/lmtp", "port": 24, "tls": "none"},
    "is longer than 107 bytes, the limit for a Unix socket": {"socket": f"/run/{'x' * 103}"},
}


@pytest.mark.parametrize("words", MISTAKES)
def test_mistakes_are_named(words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        SendOptions.model_validate({"lmtp": MISTAKES[words]})


def test_what_can_happen_follows_from_the_options() -> None:
    here = LmtpOptions(socket="/run/lmtp")
    there = LmtpOptions(host="store.example.org")
    assert there.steps - here.steps == {Step.RESOLVE}
    assert there.reasons - here.reasons == {Reason.DNS}
    assert Step.AUTH not in there.steps | here.steps
    assert Reason.MAILBOX_FULL in there.reasons & here.reasons
