"""The watchers of all configured mailboxes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from exporter.core.model import Outcome
from exporter.core.timing.clock import Clock
from exporter.mail.tokens import Mint
from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.session import Mailbox
from exporter.mailboxes.watcher.reader import Reader
from exporter.mailboxes.watcher.strays import Judge
from exporter.mailboxes.watcher.watcher import Watcher

Flights = Sequence["asyncio.Task[Outcome]"]


class WatcherTable:
    """Updates `watchers` from the configuration, by the names of the mailboxes."""

    def __init__(
        self,
        watchers: dict[str, Watcher],
        mailbox: Callable[[MailboxOptions], Mailbox],
        mint: Mint,
        stray: Judge,
        clock: Clock,
    ) -> None:
        self._watchers = watchers
        self._mailbox = mailbox
        self._mint = mint
        self._stray = stray
        self._clock = clock
        self._reader = Reader()
        self._may_open = asyncio.Event()
        self._may_open.set()
        self._options: dict[str, MailboxOptions] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def create(self, options: Mapping[str, MailboxOptions], patience: float) -> None:
        """Creates a watcher for each mailbox. `patience` limits one exchange with a server, in
        seconds."""
        self._options = dict(options)
        for name, how in options.items():
            self._create(name, self._mailbox(how), patience)

    def _create(self, name: str, mailbox: Mailbox, patience: float) -> Watcher:
        watcher = Watcher(
            *(name, mailbox, self._mint, self._clock, patience, self._stray),
            reader=self._reader,
            may_open=self._may_open,
        )
        self._watchers[name] = watcher
        return watcher

    def hold(self) -> None:
        """Opens no mailbox until `let_open`."""
        self._may_open.clear()

    def let_open(self) -> None:
        self._may_open.set()

    def start(self) -> None:
        for watcher in self._watchers.values():
            watcher.start()

    def changed(self, options: Mapping[str, MailboxOptions]) -> dict[str, Mailbox]:
        """The mailboxes that are new or changed in these options. It changes nothing yet."""
        return {
            name: self._mailbox(how)
            for name, how in options.items()
            if how != self._options.get(name)
        }

    def configure(
        self,
        options: Mapping[str, MailboxOptions],
        changed: Mapping[str, Mailbox],
        patience: float,
        flights: Flights,
    ) -> None:
        """Unchanged mailboxes keep their session. A mailbox that is no longer configured is closed
        after these trips, and a changed one is reopened while trips wait."""
        for name in self._watchers.keys() - options.keys():
            self._retire(name, options, flights)
        for name in options:
            if name in self._watchers:
                renamed = name not in self._options
                self._watchers[name].configure(None if renamed else changed.get(name), patience)
            else:
                self._create(name, changed[name], patience).start()
        self._options = dict(options)

    def _retire(self, name: str, options: Mapping[str, MailboxOptions], flights: Flights) -> None:
        """Removes a watcher; a mailbox that was only renamed keeps its session."""
        watcher = self._watchers.pop(name)
        same = (new for new, how in options.items() if how == self._options[name])
        renamed = next(
            (new for new in same if new not in self._options and new not in self._watchers), None
        )
        if renamed:
            watcher.name = renamed
            self._watchers[renamed] = watcher
            return
        retiring = asyncio.create_task(
            _close_after(watcher, flights), name=f"end of the mailbox {name}"
        )
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        watchers = (watcher.close() for watcher in self._watchers.values())
        await asyncio.gather(*watchers, *self._retiring)


async def _close_after(watcher: Watcher, flights: Flights) -> None:
    if flights:
        await asyncio.wait(flights)
    await watcher.close()
