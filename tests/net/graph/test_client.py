"""A connection to Microsoft Graph is over when it is no longer wanted."""

import ssl
from pathlib import Path

import trustme

from exporter.core.steps import Step
from exporter.net.graph.request import Request
from tests.support.http_clients import HttpsPlace
from tests.support.left_behind import until
from tests.support.silent_service import silent_service


async def test_an_answer_that_is_cut_ends_its_connection_and_the_session_goes_on(
    tmp_path: Path,
) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    ca_file = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(ca_file)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"
    with silent_service(tls, answer) as service:
        client = HttpsPlace(service.port, ca_file).graph_client()
        request = Request("GET", "/messages/1/$value", Step.FETCH, most=2, cut=True)
        assert await client.call(request, lambda answer: answer.cut)
        await until(lambda: service.clients() == 0, 10)
        await client.close()
