"""Compression, which may reveal what is compressed together with a guess."""

import pytest

from exporter.core.model import ProbeKey
from tests.support.http_site import site

FOREIGN: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Referer": "https://evil.example/page"},
)
OURS: tuple[dict[str, str], ...] = (
    {},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin"},
)


@pytest.mark.parametrize("path", ["/?search=secret-target", "/config", "/sd"])
async def test_lengths(path: str) -> None:
    """The answer to a request of a foreign page is not compressed, so that the length of the
    encrypted answer does not show whether a guess in its address is also elsewhere on the page
    (BREACH)."""
    async with site() as here:
        for number in range(50):
            key = ProbeKey("submission", f"secret-target{number}@example.org")
            here.probes.get_or_create(key).name = f"{number}"
        for headers, packed in (*((one, False) for one in FOREIGN), *((one, True) for one in OURS)):
            async with here.http.get(
                f"http://{here.host}:{here.port}{path}",
                headers={"Accept-Encoding": "gzip", **headers},
                auto_decompress=False,
            ) as answer:
                assert answer.status == 200
                assert ("Content-Encoding" in answer.headers) is packed, (path, headers)
