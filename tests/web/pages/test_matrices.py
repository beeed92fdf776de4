"""The page of matrices, and what the API, /sd and /metrics say of a cell."""

import json
import re

import pytest

from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from exporter.core.facts import Arrival
from exporter.core.model import Failure, Outcome
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.settings import Settings
from exporter.web.pages.matrices import matrix_views
from tests.support.http_site import Site, site, words_of

SETTINGS = Settings.parse(
    b"""
mailboxes: {monitor: {smtpd: {listen: "127.0.0.1:0", recipients: [monitor@example.org]}}}
modules:
  m: {roundtrip: {from: a@example.org, send: {smtp: {host: "{from}"}}, mailbox: monitor}}
  single: {roundtrip: {from: a@example.org, send: {smtp: {host: mx}}, mailbox: monitor}}
probes:
  - name: "{from}-{to}"
    module: m
    matrix:
      name: ways
      from: {own: own.example.org, rented: rented.example.org}
      to: {gmail: x@gmail.com, gmx: y@gmx.net}
  - {name: single, module: single, target: z@example.org}
""",
    "test.yml",
)
ARRIVAL = Arrival("INBOX", "header", 1.25, 1.5)
JUNK = Failure(Phase.VERIFY, None, Reason.JUNK, "", "filed as spam, in the folder Junk")


def outcome(here: Site, name: str, failure: Failure | None = None) -> Outcome:
    key = here.probes.by_name(name)
    now = here.rig.clock.wall()
    return Outcome("0" * 14, key, now, 2.0, facts=(ARRIVAL,), failure=failure)


async def test_the_page_shows_each_sender_and_recipient_with_the_newest_delay() -> None:
    async with site(settings=SETTINGS) as here:
        for name, failure in (("own-gmail", None), ("rented-gmail", JUNK)):
            key = here.probes.by_name(name)
            here.probes.find(key).show(outcome(here, name, failure))
        status, page = await here.get("/matrices")
        assert status == 200
        words = words_of(page)
        assert (
            "ways 4 probes: 1 OK , 1 failed , 1 of them filed as spam , 2 without a result" in words
        )
        assert "from, to gmail gmx own 1.25 s no trip yet rented junk no trip yet" in words
        assert 'title="rented-gmail: verify: junk: filed as spam, in the folder Junk"' in page
        assert '<td class="cell bad"><a href="trips/00000000000000"' in page
        assert 'href="trips?module=m-own&amp;target=y%40gmx.net"' in page
        assert "single" not in words
        overview = (await here.get("/"))[1]
        assert '<a href="matrices">' in overview
        assert 'http-equiv="refresh"' in page
        assert 'http-equiv="refresh"' not in (await here.get("/matrices?refresh=off"))[1]
        assert (await here.get("/matrices?refresh=often"))[0] == 400


async def test_without_a_matrix_the_page_says_how_to_add_one() -> None:
    async with site() as here:
        assert "No entry in probes has a matrix" in words_of((await here.get("/matrices"))[1])
        assert "matrices" not in (await here.get("/"))[1]


async def test_the_api_discovery_and_series_know_the_place_of_a_cell() -> None:
    async with site(settings=SETTINGS) as here:
        listed = json.loads((await here.get("/api/v1/probes"))[1])["items"]
        places = {one["name"]: one["matrix"] for one in listed}
        assert places["single"] is None
        assert places["rented-gmx"] == {"name": "ways", "from": "rented", "to": "gmx"}
        groups = json.loads((await here.get("/sd"))[1])
        assert {one["labels"]["probe"] for one in groups} == set(places)
        series = (await here.get("/metrics"))[1]
        lines = re.findall(r"^mailtrip_matrix_info\{.*$", series, re.MULTILINE)
        assert len(lines) == 4
        assert (
            'mailtrip_matrix_info{from="own",matrix="ways",probe="own-gmx",to="gmx"} 1.0' in lines
        )


async def test_cells_in_planned_maintenance_say_so() -> None:
    window = Window("move", ("*-gmx",), Once(0.0, 4e9))
    maintenance = Maintenance([window])
    async with site(settings=SETTINGS, maintenance=maintenance) as here:
        (view,) = await matrix_views(here.probes, maintenance, here.rig.clock.wall())
        planned = {one.name for one in view.cells if one.planned}
        assert planned == {"own-gmx", "rented-gmx"}


@pytest.mark.parametrize("gone", [False, True])
async def test_a_reload_moves_a_probe_into_a_matrix_and_out_of_it(*, gone: bool) -> None:
    async with site(settings=SETTINGS) as here:
        entries = [
            one.model_copy(update={"matrix": None}) if gone else one for one in SETTINGS.probes
        ]
        changed = Settings.model_construct(
            **{name: getattr(SETTINGS, name) for name in Settings.model_fields}
            | {"probes": entries}
        )
        here.probes.configure(changed, ())
        series = (await here.get("/metrics"))[1]
        assert ("\nmailtrip_matrix_info{" in series) is not gone
