"""The HTTP side with TLS, and a client of it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp

from exporter.web.limits import LIMITS, Limits
from tests.support.http_site import Site, site
from tests.support.web_config_folder import TLS, Folder


@asynccontextmanager
async def secure_site(
    folder: Folder, text: str = TLS, limits: Limits = LIMITS
) -> AsyncIterator[Site]:
    async with site(limits, middleware=folder.middleware(text)) as here:
        yield here


async def get(here: Site, context: ssl.SSLContext, path: str = "/-/healthy") -> int:
    """On a connection of its own."""
    url = f"https://{here.host}:{here.port}{path}"
    async with aiohttp.ClientSession() as http, http.get(url, ssl=context) as answer:
        await answer.read()
        return answer.status


async def refused(here: Site, context: ssl.SSLContext) -> bool:
    with suppress(aiohttp.ClientError, ConnectionError):
        await get(here, context)
        return False
    return True
