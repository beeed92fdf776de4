"""What the API says of mailboxes."""

from tests.support.happened_trips import get
from tests.support.http_site import GOOD as SCRAPE
from tests.support.http_site import site, until


async def test_mailboxes_say_what_is_wrong_with_them() -> None:
    async with site() as here:
        first, second = (await get(here, "/mailboxes"))["items"]
        assert (first["name"], second["name"]) == ("monitor", "sender")
        assert (first["trouble"], first["next_attempt_at"], first["deleted"]) == (None, None, 0)


async def test_a_mailbox_says_since_when_it_is_connected_and_how_many_trips_wait() -> None:
    async with site(delay=None) as here:
        began = here.rig.clock.wall()
        await here.get(SCRAPE, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        await until(lambda: here.rig.watchers["monitor"].connected_since is not None)
        first, second = (await get(here, "/mailboxes"))["items"]
        assert (first["waiting"], second["waiting"]) == (1, 0)
        assert began <= first["connected_since"] <= here.rig.clock.wall()
        assert second["connected_since"] is None
