"""Look-ups by hand in the lab: real lists behind a real resolver."""

import asyncio

import pytest

from tests.lab.client import Lab
from tests.support.blocklist_app import trip
from tests.support.http_site import words_of
from tests.support.lookup_site import lookup_site

FORGOTTEN = 2.5  # seconds: Unbound hands out no answer for longer than a second
LISTS = (
    "lists: [{zone: bl.lab.test, delisting: 'https://bl.lab.test/off'}, blclean.lab.test,"
    " blall.lab.test, blerr.lab.test], domain_lists: [dbl.lab.test]"
)
WORLD, REFUSAL = "it lists 127.0.0.1, which no list may list", "the list refuses our queries"


async def test_of_a_domain_its_exchangers_are_found_and_what_lists_the_world_is_unknown(
    lab: Lab,
) -> None:
    async with lookup_site(lab.dns, LISTS) as here:
        found = await here.look_up("lab.test")
        _, _, page = await here.post("/lookup", data={"what": "lab.test"})
    by_subject = {one["subject"]: one for one in found["subjects"]}
    domain, listed, dead = by_subject.values()
    assert (found["state"], found["problems"]) == ("listed", [])
    assert (domain["subject"], domain["state"]) == ("lab.test", "clean")
    assert listed["subject"] == lab.mx_ip
    assert (dead["origin"], dead["state"]) == ("address of the exchanger mx2.lab.test", "clean")
    bl, clean, everything, refusing = listed["answers"]
    assert (bl["state"], bl["codes"]) == ("listed", ["127.0.0.2"])
    assert bl["reason"] == f"Listed by bl.lab.test, see http://bl.lab.test/lookup?ip={lab.mx_ip}"
    assert clean["state"] == "clean"
    assert (everything["state"], refusing["state"]) == ("unknown", "unknown")
    assert WORLD in everything["trouble"]
    assert REFUSAL in refusing["trouble"]
    seen = words_of(page)
    assert "listed by 1 of 2 lists that answered; 2 of 4 are unknown" in seen
    assert "not listed by any of 2 lists that answered; 2 of 4 are unknown" in seen
    assert f'<a href="http://bl.lab.test/lookup?ip={lab.mx_ip}" rel="' in page


@pytest.mark.parametrize(("name", "state"), [("www.bad.test", "listed"), ("mon.test", "clean")])
async def test_a_domain_is_asked_about_itself(lab: Lab, name: str, state: str) -> None:
    verdict = {"listed": "listed", "clean": "not listed"}[state]
    async with lookup_site(lab.dns, "domain_lists: [dbl.lab.test]", name) as here:
        found = await here.look_up(name)
        _, _, page = await here.post("/lookup", data={"what": name})
    assert (found["state"], [one["subject"] for one in found["subjects"]]) == (state, [name])
    assert f"{verdict} by the one list that answered" in words_of(page)


async def test_what_checks_have_found_before_stands_beside_what_is_found_now(lab: Lab) -> None:
    address = "192.0.2.77"
    async with lookup_site(lab.dns, LISTS, address) as here:
        await trip(here.app, address)
        await asyncio.to_thread(lab.list, address)
        await asyncio.sleep(FORGOTTEN)
        await trip(here.app, address)
        await asyncio.to_thread(lab.unlist, address)
        await asyncio.sleep(FORGOTTEN)
        found = await here.look_up(address)
        _, _, page = await here.post("/lookup", data={"what": address})
    bl, clean, everything, _ = [one["past"] for one in found["subjects"][0]["answers"]]
    assert found["state"] == "clean"
    (period,) = bl["listed"]
    assert period["after"] < period["first"] == period["last"]
    assert period["until"] is None
    assert (clean["answered"], clean["listed"]) == (2, [])
    assert (everything["checks"], everything["answered"]) == (2, 0)
    assert WORLD in everything["trouble"]
    assert "listed now: none in the 7 days before: bl.lab.test" in words_of(page)
    assert "until the newest check" in words_of(page)
