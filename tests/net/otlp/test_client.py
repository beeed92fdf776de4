"""One request to a collector, on real sockets."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.config.tracing import TracingOptions
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.net.dns.resolver import Resolver
from exporter.net.otlp.answer import MAX_ANSWER, Later, Rejection
from exporter.net.otlp.client import export
from exporter.net.otlp.encoding import encoded
from exporter.net.otlp.span import OtlpSpan
from tests.support.collector import Answer, Collector, attributes, collector, rejecting
from tests.support.ports import free_port

SECRET = "hunter2hunter2"
SPAN = OtlpSpan(b"t" * 16, b"s" * 8, b"", "trip", 1, 2, {"a": "b", "c": 1, "d": 2.5, "e": True})
REQUEST = encoded([SPAN], {"service.name": "mailtrip"})


@pytest.fixture
async def here() -> AsyncIterator[Collector]:
    async with collector() as one:
        yield one


async def send(url: str, request: bytes = REQUEST, **options: Any) -> Rejection:
    clock = Clock(wall=lambda: 1_800_000_000.0)
    how = TracingOptions.model_validate({"endpoint": url, **options})
    return await export(how, Resolver([]), request, clock)


async def test_a_request_is_otlp_as_protobuf(here: Collector) -> None:
    assert await send(here.url) == Rejection(0)
    assert here.paths == ["POST /v1/traces"]
    assert here.headers[0]["content-type"] == "application/x-protobuf"
    assert here.headers[0]["user-agent"].startswith("mailtrip/")
    assert attributes(here.resources[0].resource.attributes) == {"service.name": "mailtrip"}
    (span,) = here.spans
    assert (span.trace_id, span.span_id, span.parent_span_id) == (SPAN.trace, SPAN.id, b"")
    assert attributes(span.attributes) == SPAN.attributes
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1, 2)
    assert not span.HasField("status")


async def test_requests_that_follow_each_other_are_one(here: Collector) -> None:
    await send(here.url, REQUEST + REQUEST)
    assert len(here.spans) == 2
    await send(here.url, b"")
    assert len(here.spans) == 2, "an empty one is valid, too"


async def test_headers_are_read_at_each_request_and_sent(here: Collector, tmp_path: Path) -> None:
    file = tmp_path / "key"
    for key in ("first", "second"):
        file.write_text(f"{key}\n")
        headers = {"X-Scope-OrgID": "mail", "Authorization": {"file": str(file)}}
        await send(here.url, headers=headers)
        assert here.headers[-1]["authorization"] == key
        assert here.headers[-1]["x-scope-orgid"] == "mail"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("a\nb", "the value of the header X-Key is not one line of ASCII"),
        (f"{SECRET}é", "the value of the header X-Key is not one line of ASCII"),
        ("x" * 9000, "the value of the header X-Key is not one line of ASCII"),
    ],
)
async def test_a_header_that_cannot_be_sent_is_not(
    here: Collector, tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(ProbeError, match=words) as failure:
        await send(here.url, headers={"X-Key": {"file": str(tmp_path / "key")}})
    assert failure.value.reason is Reason.AUTH
    assert SECRET not in str(failure.value)
    assert not here.requests


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "answered 301"),
        (307, "answered 307"),
        (400, "answered 400"),
        (401, "answered 401: it wants another `Authorization` header"),
        (404, "answered 404: there is no OTLP over HTTP at this path"),
        (413, "answered 413: it accepts only smaller requests"),
        (415, "answered 415: it does not accept OTLP as protobuf"),
        (500, "answered 500"),
    ],
)
async def test_what_is_not_taken_is_not_sent_again_and_no_redirect_is_followed(
    here: Collector, status: int, words: str
) -> None:
    async with collector() as thief:
        here.answers.append(Answer(status, SECRET.encode(), {"Location": f"{thief.url}/v1/traces"}))
        with pytest.raises(ProbeError) as failure:
            await send(here.url, headers={"X-Key": SECRET})
        assert failure.value.reason is Reason.PROTOCOL
        assert failure.value.detail == f"{here.url.removeprefix('http://')} {words}"
        assert not thief.paths
        assert len(here.paths) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0.0),
        ("7", 7.0),
        ("-1", 0.0),
        ("nan", 0.0),
        ("inf", 0.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 99 Jan 99999 08:00:30 GMT", 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_collector_may_ask_for_it_later(
    here: Collector, status: int, header: str, seconds: float
) -> None:
    here.answers.append(Answer(status, headers={"Retry-After": header}))
    with pytest.raises(Later) as failure:
        await send(here.url)
    assert failure.value.seconds == seconds


async def test_what_a_collector_has_not_taken_is_told_without_secrets(here: Collector) -> None:
    here.answers += [
        rejecting(3, f"too old\n{SECRET}"),
        Answer(body=b"garbage\xff"),
        Answer(202, b"garbage\xff", {}),
    ]
    found = await send(here.url, headers={"Authorization": f"Bearer {SECRET}"})
    assert found == Rejection(3, "too old <secret>")
    assert await send(here.url) == Rejection(0)
    assert await send(here.url) == Rejection(0)


async def test_a_page_is_no_collector(here: Collector) -> None:
    here.answers.append(Answer(200, b"<html>Log in", {"Content-Type": "text/html; charset=utf-8"}))
    with pytest.raises(ProbeError, match="answered with a page: it is no collector") as failure:
        await send(here.url)
    assert failure.value.reason is Reason.PROTOCOL


async def test_no_more_of_an_answer_is_read_than_a_collector_needs(here: Collector) -> None:
    here.answers.append(Answer(200, b"x" * (MAX_ANSWER + 1)))
    with pytest.raises(ProbeError, match="sent more than 64 KiB") as failure:
        await send(here.url)
    assert failure.value.reason is Reason.PROTOCOL


async def test_a_collector_that_is_not_there_is_an_error_by_its_type() -> None:
    with pytest.raises(ProbeError, match="cannot connect to 127.0.0.1:") as failure:
        await send(f"http://127.0.0.1:{free_port()}")
    assert failure.value.reason is Reason.CONNECT


async def test_a_certificate_is_verified(tmp_path: Path) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("otel.example.org").configure_cert(server)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    usual: dict[str, Any] = {"ca_file": str(trusted), "server_name": "otel.example.org"}
    async with collector(tls=server) as secure:
        await send(secure.url, **usual)
        await send(secure.url, verify=False)
        refusals: tuple[dict[str, Any], ...] = {}, {"ca_file": str(trusted)}
        for refused in refusals:
            with pytest.raises(ProbeError, match="certificate") as failure:
                await send(secure.url, headers={"X-Key": SECRET}, **refused)
            assert failure.value.reason is Reason.TLS
        assert len(secure.requests) == 2


async def test_a_collector_that_asks_for_a_certificate_gets_ours(tmp_path: Path) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    ours, trusted = authority.issue_cert("mailtrip@example.org"), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    ours.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    own = {"cert_file": str(tmp_path / "own.pem"), "key_file": str(tmp_path / "own.pem")}
    async with collector(tls=server) as secure:
        await send(secure.url, ca_file=str(trusted), client_certificate=own)
        with pytest.raises(ProbeError):
            await send(secure.url, ca_file=str(trusted))
        assert len(secure.requests) == 1


async def test_neither_netrc_nor_a_proxy_of_the_environment_gets_what_is_ours(
    here: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy for plain HTTP would read the headers, and an entry of .netrc replaces a token."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login me password of-the-netrc\n")
    netrc.chmod(0o600)
    async with collector() as proxy:
        for name, value in {
            "HOME": str(tmp_path),
            "NETRC": str(netrc),
            "HTTP_PROXY": proxy.url,
            "http_proxy": proxy.url,
            "ALL_PROXY": proxy.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-of-the-environment=1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": proxy.url,
        }.items():
            monkeypatch.setenv(name, value)
        await send(here.url, headers={"X-Key": SECRET})
        assert not proxy.paths
    assert "authorization" not in here.headers[0]
    assert "x-of-the-environment" not in here.headers[0]
