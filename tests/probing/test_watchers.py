"""The watchers follow the configuration."""

import asyncio

from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.probing.watchers import WatcherTable
from tests.support import virtual_time as virtual
from tests.support.pretend import PretendMailbox
from tests.support.watcher_rig import MINT, WatcherRig

ONE = MailboxOptions.model_validate({"maildir": {"path": "/var/mail/one"}})
TWO = MailboxOptions.model_validate({"maildir": {"path": "/var/mail/two"}})


class Table:
    def __init__(self) -> None:
        self.watchers: dict[str, Watcher] = {}
        rig = WatcherRig()
        self.table = WatcherTable(
            self.watchers, lambda options: PretendMailbox(), MINT, rig.stray, rig.clock
        )

    def configure(
        self, options: dict[str, MailboxOptions], flights: "list[asyncio.Task[None]] | None" = None
    ) -> dict[str, Watcher]:
        changed = self.table.changed(options)
        self.table.configure(options, changed, 30, flights or [])  # type: ignore[arg-type]
        return dict(self.watchers)

    async def close(self) -> None:
        await self.table.close()


@virtual.on_a(Table)
async def test_an_unchanged_mailbox_keeps_its_watcher_and_so_does_a_changed_one(
    rig: Table,
) -> None:
    rig.table.create({"a": ONE, "b": ONE}, 30)
    before = dict(rig.watchers)
    assert list(rig.table.changed({"a": ONE, "b": TWO})) == ["b"]
    assert rig.configure({"a": ONE, "b": TWO}) == before


@virtual.on_a(Table)
async def test_a_renamed_mailbox_keeps_its_watcher_under_the_new_name(rig: Table) -> None:
    rig.table.create({"a": ONE}, 30)
    watcher = rig.watchers["a"]
    assert rig.configure({"b": ONE, "c": TWO}) == {"b": watcher, "c": rig.watchers["c"]}
    assert watcher.name == "b"


@virtual.on_a(Table)
async def test_a_removed_mailbox_is_closed_after_the_trips_in_flight(rig: Table) -> None:
    rig.table.create({"a": ONE}, 30)
    watcher = rig.watchers["a"]
    watcher.keep_watching("trip", 0.0)
    flight = asyncio.create_task(asyncio.sleep(60))
    assert rig.configure({}, [flight]) == {}
    await asyncio.sleep(59)
    assert watcher._task is not None
    assert not watcher._task.done()
    await asyncio.sleep(2)
    assert watcher._task.done()
