"""Every address of every exchanger: which there are, and that a message goes only where it is
meant to go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.commands.preflight.attempts import attempts
from exporter.commands.preflight.report import lines
from exporter.config.server import NetworkOptions
from exporter.core.model import Exchanger, Failure, ProbeError
from exporter.core.reasons import Reason
from exporter.net.dns.resolver import Resolver
from exporter.senders.exchanger_addresses import MOST_ADDRESSES, addresses_of
from exporter.senders.mx import MxSender
from exporter.settings import Settings
from tests.support.name_server import Zone, name_server, names
from tests.support.ports import free_port
from tests.support.sender_rig import make_sender
from tests.support.sending import PATIENCE, new_run, probe_message, send
from tests.support.smtp_witness import Reply, SmtpWitness, Stage, witness

DOMAIN = "example.test"
ZONE: Zone = {
    DOMAIN: {"MX": ["20 backup.example.test.", "10 two.example.test.", "10 a.example.test."]},
    "two.example.test": {"A": ["127.0.0.3", "127.0.0.2"], "AAAA": ["2001:db8::1"]},
    "a.example.test": {"A": ["127.0.0.1"]},
    "no-mx.test": {"A": ["127.0.0.1"]},
    "gone.test": {"MX": ["10 nowhere.gone.test.", "20 a.example.test."]},
    "twice.test": {"MX": ["20 a.example.test.", "10 a.example.test."]},
    "none.test": {"MX": ["0 ."]},
    "many.test": {"MX": [f"{number} h{number}.many.test." for number in range(30)]},
} | {f"h{number}.many.test": {"A": [f"127.0.1.{number}"]} for number in range(30)}


def sender(resolver: Resolver, **options: Any) -> MxSender:
    made = make_sender("mx", {"each": True, "source_address": "127.0.0.1"} | options, resolver)
    assert isinstance(made, MxSender)
    return made


async def found(domain: str, **options: Any) -> tuple[list[Exchanger], str]:
    """The exchangers, and the transcript."""
    run = new_run()
    async with names(ZONE) as resolver:
        exchangers = await sender(resolver, **options).each(probe_message(f"x@{domain}"), run)
    return exchangers, "\n".join(run.transcript)


async def test_each_address_is_there_once_by_preference() -> None:
    exchangers, transcript = await found(DOMAIN)
    assert exchangers == [
        Exchanger("a.example.test", 10, "127.0.0.1"),
        Exchanger("two.example.test", 10, "127.0.0.2"),
        Exchanger("two.example.test", 10, "127.0.0.3"),
        Exchanger("backup.example.test", 20),  # its name does not exist
    ]
    # A sender would pass over it: our address is IPv4.
    assert "two.example.test [2001:db8::1]: no route from here; not tested" in transcript


@pytest.mark.parametrize(
    ("domain", "exchangers"),
    [
        ("no-mx.test", [Exchanger("no-mx.test", 0, "127.0.0.1")]),
        (
            "gone.test",
            [Exchanger("nowhere.gone.test", 10), Exchanger("a.example.test", 20, "127.0.0.1")],
        ),
        ("twice.test", [Exchanger("a.example.test", 10, "127.0.0.1")]),
    ],
)
async def test_they_are_those_that_a_sender_has(domain: str, exchangers: list[Exchanger]) -> None:
    assert (await found(domain))[0] == exchangers


async def test_the_hosts_file_has_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("127.0.1.1 a.example.test\n")
    async with name_server(ZONE) as address:
        resolver = Resolver([address], hosts_file=tmp_path / "hosts")
        exchangers = await sender(resolver).each(probe_message("x@twice.test"), new_run())
    assert exchangers == [Exchanger("a.example.test", 10, "127.0.0.1")]


async def test_a_domain_that_takes_no_mail_has_none() -> None:
    with pytest.raises(ProbeError) as error:
        await found("none.test")
    assert error.value.reason is Reason.NULL_MX


async def test_they_are_limited_to_the_preferred_ones() -> None:
    exchangers, _ = await found("many.test")
    assert [one.preference for one in exchangers] == list(range(MOST_ADDRESSES))


async def test_a_name_with_thousands_of_addresses_takes_no_time_of_others() -> None:
    class Generous(Resolver):
        asked = 0

        async def addresses(self, host: str, ip: str = "any", **how: bool) -> list[str]:
            Generous.asked += 1
            v4 = [f"127.0.{n // 250}.{n % 250 + 1}" for n in range(1000)]
            return [*v4, *(f"2001:db8::{n + 1:x}" for n in range(1000))]

    resolver, run = Generous(), new_run()
    hosts = [Exchanger(f"h{number}.example.test", number) for number in range(1000)]
    routes: list[str] = []

    def source(address: str, ours: str | None) -> str:
        routes.append(address)
        return "" if ":" in address else "127.0.0.1"

    exchangers = await addresses_of(hosts, resolver, NetworkOptions(), run, source)
    assert len(exchangers) == MOST_ADDRESSES
    assert {one.host for one in exchangers} == {"h0.example.test"}
    assert len(routes) <= 2 * (MOST_ADDRESSES + 1)  # each takes 0.1 ms
    assert Generous.asked == 1
    assert len(run.transcript) < 30


@asynccontextmanager
async def two_addresses() -> AsyncIterator[tuple[SmtpWitness, SmtpWitness]]:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(witness("127.0.0.2", free_port()))
        other = await stack.enter_async_context(witness("127.0.0.3", one.port))
        yield one, other


async def through(address: str, port: int, **options: Any) -> Failure | None:
    run = new_run()
    async with names(ZONE) as resolver:
        one = sender(resolver, port=port, **options).through(
            Exchanger("two.example.test", 10, address)
        )
        failure = await send(one, probe_message(f"x@{DOMAIN}"), run)
    if not failure:
        assert Exchanger("two.example.test", 10, address) in run.facts
    return failure


async def test_a_message_goes_only_through_the_address_that_it_is_for() -> None:
    async with two_addresses() as (one, other):
        assert await through("127.0.0.3", other.port) is None
        assert (len(one.received), len(other.received)) == (0, 1)
        assert await through("127.0.0.2", one.port) is None
        assert (len(one.received), len(other.received)) == (1, 1)


async def test_a_dead_address_of_a_name_fails_though_another_one_answers() -> None:
    async with witness("127.0.0.2") as one:
        failure = await through("127.0.0.3", one.port)
        assert str(failure).startswith(
            "send/connect: connect: cannot connect to two.example.test [127.0.0.3]:"
        )
        assert "(MX 10 of example.test) from 127.0.0.1: connection refused" in str(failure)
        assert one.lines == []


async def test_a_name_that_does_not_exist_fails() -> None:
    async with names(ZONE) as resolver:
        one = sender(resolver).through(Exchanger("nowhere.gone.test", 10))
        failure = await send(one, probe_message(f"x@{DOMAIN}"), new_run())
    assert str(failure).startswith(
        "send/resolve: dns NXDOMAIN: nowhere.gone.test (MX 10 of example.test): nowhere.gone.test"
        " does not exist"
    )


async def test_a_deferred_message_lets_others_be_sent_before_it_is_sent_again() -> None:
    async with witness("127.0.0.2") as one:
        one.act(Stage.RCPT, Reply("450 4.2.0 greylisted"))
        run = new_run()
        async with names(ZONE) as resolver:
            it = sender(resolver, port=one.port, retry_after="50ms").through(
                Exchanger("two.example.test", 10, "127.0.0.2")
            )
            sending = asyncio.create_task(send(it, probe_message(f"x@{DOMAIN}"), run))
            await run.makes_way.sleep(PATIENCE)
            assert one.received == []
            assert await sending is None
        assert len(one.received) == 1


async def test_the_command_line_tries_each_and_names_those_that_fail() -> None:
    async with name_server(ZONE) as address, two_addresses() as (one, other):
        other.always(Stage.GREETING, Reply("554 5.7.1 go away"))
        text = f"""
resolver: {{nameservers: ["{address}"]}}
mailboxes: {{m: {{maildir: {{path: /nowhere}}}}}}
modules: {{a: {{roundtrip: {{from: a@example.test, mailbox: m,
    send: {{mx: {{each: true, source_address: 127.0.0.1, port: {one.port}}}}}}}}}}}
probes: [{{name: p, module: a, target: someone@example.test}}]
"""
        tried = [one async for one in attempts(Settings.parse(text.encode(), "f"))]
    (attempt,) = (one for one in tried if one.what == "module a")
    assert attempt.failure is None
    said = "\n".join(lines(attempt))
    assert "answered by two.example.test" in said
    failing = "note: the exchanger two.example.test [127.0.0.3] takes no mail from here: send/"
    assert failing in said
    assert "554" in said
    assert "a.example.test [127.0.0.1] takes no mail from here: send/connect: connect" in said
    assert "backup.example.test takes no mail from here: send/resolve: dns NXDOMAIN" in said
    assert (one.received, other.received) == ([], [])
