"""What a hostile server in the place of Microsoft Graph can do to us, and whose messages it is
asked for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.graph.mailbox import GraphMailbox
from exporter.mailboxes.graph.options import GraphMailboxOptions
from exporter.mailboxes.session import READ_LIMIT
from exporter.net.dns.resolver import Resolver
from tests.support.graph_service import GraphService, Says
from tests.support.mailbox_rig import FOREIGN
from tests.support.sending import probe_message
from tests.support.wanting import all_of_them

MIB = 1 << 20


@pytest.fixture
def service(tmp_path: Path) -> Iterator[GraphService]:
    one = GraphService(tmp_path)
    yield one
    one.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[GraphService]:
    """Another server, whose certificate is valid, too."""
    (tmp_path / "other").mkdir()
    one = GraphService(tmp_path / "other")
    yield one
    one.close()


def mailbox(service: GraphService, **given: Any) -> GraphMailbox:
    options = service.options(poll_interval="1ms", **given)
    return GraphMailbox(GraphMailboxOptions.model_validate(options), Resolver())


async def refusal(service: GraphService, **given: Any) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        session = await mailbox(service, **given).open(Run(Clock()), all_of_them)
        session.abort()
    return caught.value


async def test_where_a_token_goes(service: GraphService, other: GraphService) -> None:
    """A token for Microsoft Graph is sent only to the host of `base_url`: redirects are not
    followed, nor are links in its responses that lead to another host, port or scheme."""
    path = "/v1.0/users/monitor@lab.test/mailFolders/inbox/messages/delta"
    whole = Path(service.ca_file).read_text() + Path(other.ca_file).read_text()
    Path(service.ca_file).write_text(whole)
    for status in (301, 302, 303, 307, 308):
        there = (("Location", f"https://127.0.0.1:{other.port}{path}"),)
        service.acts["delta"] = Says(status, headers=there)
        error = await refusal(service)
        assert (error.reason, error.code) == (Reason.PROTOCOL, str(status))
    for link in (
        f"https://127.0.0.1:{other.port}{path}",
        f"http://127.0.0.1:{service.port}{path}",
        f"https://localhost:{service.port}{path}",
        f"https://127.0.0.1:{service.port}@127.0.0.1:{other.port}{path}",
        f"//127.0.0.1:{other.port}{path}",
        path,
    ):
        for kind in ("nextLink", "deltaLink"):
            body = json.dumps({"value": [], f"@odata.{kind}": link})
            service.acts["delta"] = Says(200, body=body)
            assert (await refusal(service)).reason is Reason.PROTOCOL, link
    assert other.requests == []


async def test_endless_answers(service: GraphService) -> None:
    """At most 256 KiB of a response of Microsoft Graph are read, and 64 KiB of an error or of a
    message."""
    service.acts["folder"] = Says(200, body="x" * MIB)
    assert (await refusal(service)).detail.endswith("sent more than 256 KiB")
    service.acts["folder"] = Says(503, body='{"error": {"code": "' + "x" * MIB + '"}}')
    assert (await refusal(service)).detail == f"127.0.0.1:{service.port} answered 503"
    service.behave()
    session = await mailbox(service).open(Run(Clock()), all_of_them)
    service.store(probe_message().raw + b"x" * MIB)
    found = [one for _ in range(4) for one in await session.scan()]
    session.abort()
    assert [len(one.raw) for one in found] == [READ_LIMIT]


async def test_whose_messages_are_downloaded(service: GraphService) -> None:
    """From Microsoft Graph, mailtrip downloads a message only if a listing shows a token in it, or
    if it may be a notification about ours or contain it. It reads only the header of other new
    messages."""
    service.store(FOREIGN % b"old")
    session = await mailbox(service).open(Run(Clock()), all_of_them)
    service.store(FOREIGN % b"new")
    ours = service.store(probe_message().raw)
    report = service.store(b"From: postmaster@x.test\r\nSubject: Undelivered\r\n\r\nsorry\r\n")
    found = [one for _ in range(6) for one in await session.scan()]
    session.abort()
    assert len(found) == 4
    assert sorted(service.downloads) == sorted([ours.id, report.id])
