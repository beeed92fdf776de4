"""The command on the page of a trip that makes it again."""

import shlex
from collections.abc import Sequence
from html import unescape

import pytest

from exporter.commands.flags import read
from exporter.core.model import ProbeKey
from exporter.web.pages.again import TripAgain
from tests.support.http_site import GOOD, site
from tests.web.pages.test_outages import page_of
from tests.web.test_pages import FAILED, KEY, kept


def test_a_probe_is_called_by_its_name_or_else_by_module_and_target() -> None:
    again = TripAgain(["/etc/mailtrip/mailtrip.yml"])
    start = "mailtrip probe --config.file /etc/mailtrip/mailtrip.yml"
    assert again.command(KEY, "orders") == f"{start} orders"
    assert again.command(KEY, None) == f"{start} --module submission a@example.org"
    assert TripAgain([]).command(KEY, None) == "mailtrip probe --module submission a@example.org"


@pytest.mark.parametrize("files", [["/etc/my mail's/a.yml", "/etc/$HOME/b.yml"], ["/x;y"]])
@pytest.mark.parametrize("name", [None, "Bob's probe; rm -rf $(pwd)", "-n", "--help"])
@pytest.mark.parametrize("target", ["a&b'`x`@example.org", "-rf@example.org", "Grüße@example.org"])
def test_a_shell_and_our_own_command_line_understand_it(
    files: Sequence[str], name: str | None, target: str
) -> None:
    key = ProbeKey("submission", target)
    program, *arguments = shlex.split(TripAgain(files).command(key, name))
    options = read(arguments)
    assert (program, options.command, options.config_files) == ("mailtrip", "probe", files)
    assert (options.name, options.module) == (name or target, None if name else key.module)


async def test_the_page_of_a_trip_has_it_ready_to_copy_once_the_trip_is_over() -> None:
    async with site(delay=None) as here:
        await kept(here, FAILED)
        page = await page_of(here, f"/trips/{FAILED.trip}")
        command = '<pre class="command">mailtrip probe --module submission a@example.org</pre>'
        assert command in unescape(page)
        await here.get(GOOD, X_Prometheus_Scrape_Timeout_Seconds="0.6")
        (trip,) = next(probe for probe in here.probes if probe.runs).runs
        page = await page_of(here, f"/trips/{trip}")
        assert "in progress" in page
        assert "mailtrip probe" not in page
