"""Compression of answers, while others have their turn."""

import gzip

import pytest

from exporter.metrics.text import Text
from exporter.web.bodies import LARGE, Body
from tests.support.pauses import with_pauses
from tests.web.test_bodies import large


async def test_a_small_text_is_compressed_at_once_and_a_large_one_in_turns_with_others() -> None:
    small, large = (Body(Text([b"metric 1\n" * (size // 9)])) for size in (LARGE // 2, 2 * LARGE))
    with_pauses(small.compressed())
    with pytest.raises(AssertionError, match="waits for something"):
        with_pauses(large.compressed())
    for body in (small, large):
        packed = await body.compressed()
        assert gzip.decompress(bytes(packed)) == bytes(body.plain)
        assert await body.compressed() is packed


async def test_what_is_compressed_is_the_same() -> None:
    async with large() as here:
        url = f"http://{here.host}:{here.port}/metrics"
        headers = {"gzip": True, "gzip;q=0": False, "*": True, "br, GZIP;q=0.5": True, "br": False}
        for accept, packed in headers.items():
            async with here.http.get(
                url, headers={"Accept-Encoding": accept}, auto_decompress=False
            ) as answer:
                body = await answer.read()
                assert (answer.headers.get("Content-Encoding") == "gzip") is packed, accept
                assert (gzip.decompress(body) if packed else body).count(
                    b"mailtrip_trips_total{"
                ) == 602
