"""Addresses to listen on."""

import pytest

from exporter.config.types import Listen
from exporter.web.listeners import CannotListen
from exporter.web.resources import Resources
from exporter.web.server import Server
from tests.support.http_site import site


async def test_an_address_in_use_is_named() -> None:
    async with site() as here:
        listen = [Listen("127.0.0.1:0"), Listen(f"{here.host}:{here.port}")]
        with pytest.raises(
            CannotListen, match=rf"cannot listen on {here.host}:{here.port}: address already in use"
        ):
            async with Server(Resources(here.probes, here.rig.metrics, here.pages), listen):
                pass


@pytest.mark.parametrize(
    ("listen", "problem"),
    [("192.0.2.1:1", "cannot assign requested address"), ("a..b:1", "not a host name")],
)
async def test_an_address_that_is_not_ours_is_named(listen: str, problem: str) -> None:
    async with site() as here:
        with pytest.raises(CannotListen, match=f"^cannot listen on {listen}: {problem}$"):
            async with Server(
                Resources(here.probes, here.rig.metrics, here.pages), [Listen(listen)]
            ):
                pass


async def test_it_listens_on_several_addresses() -> None:
    async with site() as here:
        listen = [Listen("127.0.0.1:0"), Listen("127.0.0.2:0")]
        async with Server(Resources(here.probes, here.rig.metrics, here.pages), listen) as server:
            for host, port in server.addresses:
                async with here.http.get(f"http://{host}:{port}/-/ready") as answer:
                    assert answer.status == 200
