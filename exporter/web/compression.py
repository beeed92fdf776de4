"""Responses that are compressed for clients that accept gzip."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from exporter.web.bodies import SMALL, Body, PiecewisePayload
from exporter.web.negotiation import takes_gzip


class Compression:
    """`cross_site` names the foreign page that made a browser send a request; it is empty for our
    own pages."""

    def __init__(self, cross_site: Callable[[web.Request], str]) -> None:
        self._cross_site = cross_site

    async def response(
        self,
        request: web.Request,
        body: Body,
        headers: Mapping[str, str],
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        """The body, compressed if the client accepts that.

        The answer to a request that a foreign page has made a browser send is not compressed: an
        attacker who sees the length of the encrypted answer could compare guesses, which are in
        the address and so on the page, with the rest of the page (BREACH).
        """
        headers = {**headers, "Vary": "Accept-Encoding"}
        packed = len(body.plain) > SMALL and takes_gzip(request.headers.get("Accept-Encoding", ""))
        if not packed or self._cross_site(request):
            return web.Response(body=PiecewisePayload(body.plain), status=status, headers=headers)
        headers["Content-Encoding"] = "gzip"
        compressed = PiecewisePayload(await body.compressed())
        return web.Response(body=compressed, status=status, headers=headers)
