"""The form of the start page that leads to `/probe`, as blackbox_exporter has one."""

import re
from html import unescape
from urllib.parse import urlencode

from tests.probing.test_probes import SETTINGS
from tests.support.http_site import site


def form_of(page: str) -> str:
    return "".join(re.findall(r'<form [^>]*action="probe">.*?</form>', page, re.DOTALL))


async def test_it_offers_the_modules_that_allow_targets_and_leads_to_their_series() -> None:
    async with site() as here:
        form = form_of((await here.get("/"))[1])
        offered = [unescape(name) for name in re.findall("<option>(.*?)</option>", form)]
        open_modules = [name for name, module in SETTINGS.modules.items() if module.targets]
        assert offered == open_modules != []
        given = urlencode({"module": "submission", "target": "a@example.org"})
        status, series = await here.get(f"/probe?{given}", Sec_Fetch_Site="same-origin")
        assert status == 200
        assert "probe_success 1" in series
        ((name, value),) = re.findall('<button name="([a-z]+)" value="([a-z]+)">', form)
        status, evidence = await here.get(f"/probe?{given}&{name}={value}")
        assert status == 200
        assert evidence.startswith("mailtrip ")
        assert "newest trip" in evidence


async def test_there_is_none_if_no_module_allows_a_target() -> None:
    modules = {
        name: module.model_copy(update={"targets": []}) for name, module in SETTINGS.modules.items()
    }
    closed = SETTINGS.model_copy(update={"modules": modules})
    async with site(settings=closed) as here:
        assert form_of((await here.get("/"))[1]) == ""


async def test_it_is_not_among_the_results_of_a_search() -> None:
    async with site() as here:
        assert form_of((await here.get("/?search=a"))[1]) == ""
