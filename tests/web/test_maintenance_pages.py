"""Planned maintenance on the pages."""

import time

from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from tests.support.http_site import site

NOW = time.time()
LASTS = Window("<move>", ("nam*",), Once(NOW - 3600, NOW + 3600))
COMES = Window("patch", ("named", "other"), Once(NOW + 86400, NOW + 90000))
ELSEWHERE = Window("elsewhere", ("other",), Once(NOW + 86400, NOW + 90000))


def moment(seconds: float) -> str:
    return time.strftime(
        '<time datetime="%Y-%m-%dT%H:%M:%SZ">%Y-%m-%d %H:%M:%S UTC</time>', time.gmtime(seconds)
    )


async def test_pages_show_the_windows_of_a_probe() -> None:
    async with site(maintenance=Maintenance([COMES, LASTS, ELSEWHERE])) as made:
        start, page = await made.pages.overview(), await made.pages.trips(made.probes.named[0].key)
    for text in (start, page):
        assert f"<td>&lt;move&gt;<td>{LASTS.probes[0]}" in text
        assert text.index("&lt;move&gt;") < text.index("patch"), "the soonest first"
        assert f'{moment(NOW + 86400)}<td class="time">{moment(NOW + 90000)}' in text
        assert text.count('<span class="planned">now</span>') == 1
    row = "planned maintenance &lt;move&gt;</span>"
    assert row in start
    assert moment(NOW + 3600) in start.partition(row)[2][:150]
    assert "elsewhere" in start
    assert "elsewhere" not in page


async def test_pages_without_windows_do_not_speak_of_them() -> None:
    async with site() as made:
        pages = await made.pages.overview(), await made.pages.trips(made.probes.named[0].key)
    assert not any("maintenance" in page for page in pages)
