"""Windows of planned maintenance are started and stopped by the API."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from exporter.probing.started_windows import MOST
from exporter.state.store import Store
from tests.support.http_site import Site, site

NOW = time.time()
CONFIGURED = Window("patch", ("named",), Once(NOW + 86400, NOW + 90000))


async def asked(here: Site, method: str, path: str = "", **fields: Any) -> tuple[int, Any]:
    url = f"http://{here.host}:{here.port}/api/v1/maintenance{path}"
    async with here.http.request(method, url, json=fields or None) as answer:
        return answer.status, json.loads(await answer.text())


async def names(here: Site) -> list[str]:
    status, found = await asked(here, "GET")
    assert status == 200
    return [one["name"] for one in found["items"]]


async def test_a_window_is_started_shown_changed_and_stopped() -> None:
    maintenance = Maintenance([CONFIGURED])
    async with site(admin=True, maintenance=maintenance) as here:
        status, made = await asked(here, "POST", name="move", probes=["Nam*", "x"], duration="2h")
        assert status == 200
        assert made["end"] - made["start"] == pytest.approx(7200)
        assert made["lasts"]
        assert made["started"]
        assert made["unmatched"] == ["x"]
        assert maintenance.lasts("named", time.time()) is True
        assert "mailtrip_maintenance" in (await here.get("/metrics"))[1]
        _, probes = await here.get("/api/v1/probes?probe=named")
        assert json.loads(probes)["items"][0]["maintenance"] == "move"
        assert await names(here) == ["move", "patch"]

        end = "2038-01-01T00:00:00+01:00"
        _, changed = await asked(here, "POST", name="move", probes=["other"], end=end)
        assert changed["end"] == 2145913200
        assert maintenance.lasts("named", time.time()) is False
        assert await names(here) == ["move", "patch"]

        assert await asked(here, "DELETE", "/move") == (200, {"name": "move"})
        assert (await asked(here, "DELETE", "/move"))[0] == 404
        await asked(here, "POST", name="mve", probes=["*"], duration="1h")
        _, refusal = await asked(here, "DELETE", "/move")
        assert refusal["message"] == "there is no window move; did you mean mve?"
        assert (await asked(here, "DELETE", "/mve"))[0] == 200
        assert maintenance.lasts("other", time.time()) is None
        assert await names(here) == ["patch"]


async def test_a_form_can_start_one() -> None:
    async with site(admin=True) as here:
        url = f"http://{here.host}:{here.port}/api/v1/maintenance"
        form = {"name": "move", "probes": "a* b", "duration": "1h"}
        async with here.http.post(url, data=form) as answer:
            assert answer.status == 200
            assert (await answer.json())["probes"] == ["a*", "b"]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"name": "a"}, 400, "either end or duration is needed"),
        (
            {"name": "a", "probes": ["x\u202ey"], "duration": "1h"},
            400,
            "probes.0: has a control character, or one that changes the direction of text",
        ),
        (
            {"name": "a", "probes": ["*", "x\ny"], "duration": "1h"},
            400,
            "probes.1: has a control character",
        ),
        ({"name": "a", "probes": ["*"], "duration": "1h", "end": "x"}, 400, "either end or"),
        ({"name": "a b", "probes": ["*"], "duration": "1h"}, 400, "name: not a name"),
        ({"name": "a", "probes": [], "duration": "1h"}, 400, "probes: "),
        ({"name": "a", "probes": [5], "duration": "1h"}, 400, "probes.0: "),
        ({"name": "a", "probes": ["*"], "duration": "soon"}, 400, "duration: not a duration"),
        ({"name": "a", "probes": ["*"], "end": "2026-01-01T00:00:00"}, 400, "end: has no offset"),
        ({"name": "a", "probes": ["*"], "end": "2020-01-01T00:00:00Z"}, 400, "end: is not after"),
        ({"name": "a", "probes": ["*"], "duration": "1h", "x": 1}, 400, "x: "),
        ({"name": "patch", "probes": ["*"], "duration": "1h"}, 409, "patch is in the configur"),
    ],
)
async def test_what_cannot_be_started_is_one_clear_line(
    fields: dict[str, Any], status: int, words: str
) -> None:
    async with site(admin=True, maintenance=Maintenance([CONFIGURED])) as here:
        found, answer = await asked(here, "POST", **fields)
        assert (found, answer["message"][: len(words)]) == (status, words)
        assert (await asked(here, "DELETE", "/patch"))[0] == 409
        assert await names(here) == ["patch"]


async def test_there_is_a_limit() -> None:
    async with site(admin=True) as here:
        for number in range(MOST):
            status, _ = await asked(here, "POST", name=f"{number}", probes=["*"], duration="1h")
            assert status == 200
        status, answer = await asked(here, "POST", name="more", probes=["*"], duration="1h")
        assert (status, answer["message"]) == (409, "limit of 100 windows reached: stop others")
        status, _ = await asked(here, "POST", name="5", probes=["*"], duration="2h")
        assert status == 200


async def test_nothing_is_changed_without_the_admin_api() -> None:
    async with site(maintenance=Maintenance([CONFIGURED])) as here:
        status, answer = await asked(here, "POST", name="a", probes=["*"], duration="1h")
        assert (status, answer["error"]) == (403, "admin_api_off")
        status, answer = await asked(here, "DELETE", "/a")
        assert (status, answer["error"]) == (403, "admin_api_off")
        assert await names(here) == ["patch"]


async def test_what_was_answered_is_on_the_disk(tmp_path: Path) -> None:
    """So a kill after the answer changes nothing."""
    store = Store.open(tmp_path)
    async with site(admin=True, store=store) as here:
        await asked(here, "POST", name="move", probes=["a", "b*"], duration="1h")
        await asked(here, "POST", name="gone", probes=["a"], duration="1h")
        await asked(here, "DELETE", "/gone")
        (kept,) = store.windows()
        assert (kept.name, kept.probes) == ("move", ("a", "b*"))
        found = kept.schedule.occurrence(time.time())
        assert found
        assert found.end - found.start == pytest.approx(3600)
