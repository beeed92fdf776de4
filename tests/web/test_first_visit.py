"""The start page for who has just begun: it says what to do next."""

from exporter.commands.greeting import FIRST
from exporter.web.pages import Pages
from exporter.web.pages.documentation import SITE
from exporter.web.pages.probe_list import Query
from tests.probing.test_probes import SETTINGS, table
from tests.support.http_site import site, words_of

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
