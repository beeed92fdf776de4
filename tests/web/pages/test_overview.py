"""The start page: what it says to who has just begun, and its rows of blocklists."""

from dataclasses import replace

from exporter.commands.greeting import FIRST
from exporter.core.model import Listing, ListState, QueriedList
from exporter.web.pages.documentation import SITE
from exporter.web.pages.overview import blocklist_rows
from exporter.web.pages.pages import Pages
from exporter.web.pages.probe_list import Query
from exporter.web.pages.styles import BAD, GOOD, PLAIN
from tests.probing.test_probes import SETTINGS, table
from tests.support.http_site import site, words_of
from tests.web.test_pages import FAILED, kept

NO_PROBES = SETTINGS.model_copy(update={"probes": []})
EXAMPLE = FIRST.read_text(encoding="utf-8")


async def test_without_probes_it_says_how_to_add_one() -> None:
    async with site() as here:
        assert "how to add a probe" not in await here.pages.overview()
        none = table(here.rig, settings=NO_PROBES)
        page = await Pages(none, here.rig.store, {}, here.rig.clock.wall).overview()
    assert "There are no probes yet" in page
    assert "Add one to probes in the configuration" in words_of(page)
    assert f'<a href="{SITE}configuration.md#probes">how to add a probe</a>' in page


async def test_a_demonstration_says_that_it_is_one_and_what_to_do_next() -> None:
    async with site(demonstration=EXAMPLE) as here:
        page = await here.pages.overview()
        assert "a demonstration" not in await here.pages.overview(Query(search="named"))
    async with site() as here:
        assert "a demonstration" not in await here.pages.overview()
    words = words_of(page)
    for step in (
        "Run mailtrip init",
        "which asks for your servers; or save a configuration as mailtrip.yml",
        "mailtrip check --try mailtrip.yml",
        "mailtrip serve --config.file mailtrip.yml",
        "In a container the commands are the same",
        "host: imap.example.org",
    ):
        assert step in words
    assert words.index("demonstration") < words.index("Bars:")


async def test_blocklists_are_told_apart() -> None:
    async with site() as here:
        facts = (
            QueriedList("bad", True),
            QueriedList("gone", False, "no answer in time", since=86400.0),
            QueriedList("good", True),
            QueriedList("allow", True),
            Listing("bad", "192.0.2.1", ListState.LISTED, since=3600.0),
            Listing("good", "192.0.2.1", ListState.CLEAN),
            Listing("allow", "192.0.2.1", ListState.LISTED, alarming=False),
            Listing("gone", "192.0.2.1", ListState.UNKNOWN, text="no answer in time"),
        )
        await kept(here, replace(FAILED, facts=facts))
        rows = {
            row.name: (row.state, row.word, row.text, row.listed)
            for row in await blocklist_rows(here.probes)
        }
        page = (await here.get("/"))[1]
    assert ">1 of 4 blocklists unusable</a>" in page
    words = words_of(page)
    assert "unusable since 1970-01-02 00:00:00 UTC : no answer in time" in words
    assert "192.0.2.1 since 1970-01-01 01:00:00 UTC" in words
    assert rows == {
        "bad": (BAD, "usable", "", (("192.0.2.1", 3600.0),)),
        "gone": (PLAIN, "unusable", ": no answer in time", ()),
        "good": (GOOD, "usable", "", ()),
        "allow": (GOOD, "usable", "; a listing is not a failure", (("192.0.2.1", None),)),
    }
