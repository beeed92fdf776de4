"""What one attempt says of the network is judged by those beside it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.external_servers import (
    as_external_servers_see_us,
    beside_the_others,
)
from exporter.commands.preflight.remark import Risk
from exporter.core.model import Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.dns.resolver import Resolver
from exporter.senders.mx_options import MxOptions
from exporter.senders.smtp import SmtpOptions
from tests.support.name_server import name_server

DOWN = Span(Phase.SEND, Step.CONNECT, 0.0, 1.0, Reason.CONNECT, note="mx.example.org:25")
UP = Span(Phase.SEND, Step.CONNECT, 0.0, 1.0, note="mx.example.net:25")
RELAY = SmtpOptions(host="mx.example.org")
SILENT = Attempt("module", "mx.example.org", spans=(DOWN,), to_external=True, public=True)


async def risks(attempt: Attempt, other: Attempt) -> list[Risk]:
    async def made() -> Attempt:
        return other

    task = asyncio.create_task(made())
    judged = await beside_the_others(attempt, [task])
    await task
    return [remark.risk for remark in judged.remarks]


@pytest.mark.parametrize(
    ("other", "risk"),
    [
        (SILENT, Risk.BLOCKED),
        (replace(SILENT, spans=(UP,)), Risk.ALL_DOWN),
        # A server of our own network says nothing of the way to the Internet.
        (replace(SILENT, spans=(UP,), public=False), Risk.BLOCKED),
        (replace(SILENT, spans=(UP,), to_external=False), Risk.BLOCKED),
    ],
)
async def test_whether_the_network_is_to_blame(other: Attempt, risk: Risk) -> None:
    assert await risks(SILENT, other) == [risk]


@pytest.mark.parametrize(
    ("options", "public"), [(MxOptions(), True), (RELAY, False)], ids=["mx", "smtp"]
)
async def test_the_address_of_an_exchanger_is_that_in_the_dns(
    tmp_path: Path, options: MxOptions | SmtpOptions, public: bool
) -> None:
    """That of a relay may be in our own hosts file."""
    (hosts := tmp_path / "hosts").write_text("127.0.1.1 mx.example.org\n")
    async with name_server({"mx.example.org": {"A": ["8.8.8.8"]}}) as address:
        resolver = Resolver([address], hosts_file=hosts)
        assert options.introduction
        attempt = replace(SILENT, public=False)
        found = await as_external_servers_see_us(attempt, options.introduction, resolver)
    assert found.public is public


async def test_nothing_is_said_of_a_server_that_knows_us() -> None:
    assert await risks(replace(SILENT, to_external=False), SILENT) == []
