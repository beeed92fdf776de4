"""The state of a POP3 maildrop between logins: which messages are new, and since when. Pure.

A session sees the maildrop as at its login (RFC 1939 section 4). So messages that the previous
login did not show are new, and arrived in between. A unique id may be reused once its message is
deleted (section 7), so only those of the newest login are kept.
"""

from dataclasses import dataclass
from itertools import islice

from exporter.core.model import ProbeError
from exporter.mailboxes.pop3.confirmed import ConfirmedDeletions
from exporter.mailboxes.unreadable import UnreadableMessages
from exporter.net.pop3.listing import Changes, Listing

SWEEP = 1000  # so many older messages are looked at when the maildrop is opened for the first time
# seconds from login to login while a message is fresh; with what comes on top a delay is known
# within 1 s
SOONEST = 0.9
# watcher's gaps from login to login later on: it looks after 4 % of the time waited, and 10 % are
# allowed
GAPS = 2.0


@dataclass(frozen=True, slots=True)
class Login:
    """The times of a login, monotonic: connection started, username sent, maildrop open."""

    began: float
    asked: float
    opened: float


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that this login showed first. It may have arrived up to `lag` seconds before
    `seen_at`."""

    seen_at: float
    lag: float


class Maildrop:
    """`news` and `older` are to be read, by unique id; `older` begins with the newest."""

    def __init__(self) -> None:
        self.login: Login | None = None  # the newest
        # Seconds that the server wants between two logins (RFC 2449 section 6.5).
        self.login_delay = 0.0
        self.news: dict[str, NewMessage] = {}
        self.older: list[str] = []
        self.listing = Listing()
        self.confirmed = ConfirmedDeletions()
        # What the newest login could not read, and why; None for what is deleted or too large.
        self.refused: dict[str, ProbeError | None] = {}
        # At these a login has ended, or the server has said that it is in trouble.
        self.unreadable = UnreadableMessages[str]()
        self._gone: set[str] = set()  # deleted by us, and not yet missing in a listing

    def listed(self, changes: Changes, login: Login) -> None:
        """Takes what a login has changed in the listing, which has the server's order: that of
        arrival."""
        added = [*changes.added, *(uid for uid in self._gone if uid in self.listing.numbers)]
        is_another = self._is_another(changes)
        self.confirmed.forget_unlisted(self.listing.numbers)
        gone, self._gone = {*changes.removed, *self._gone}, set()
        for uid in gone:
            self.unreadable.answered(uid)
        self.refused = {uid: why for uid, why in self.refused.items() if uid not in gone}
        self.news = {uid: news for uid, news in self.news.items() if uid not in gone}
        if self.login is None or is_another:
            newest = reversed(self.listing.numbers)
            self.news, self.older = {}, [*islice(newest, SWEEP)]
        else:
            news = NewMessage(login.opened, login.opened - self.login.asked)
            self.news.update((uid, news) for uid in added)
            self.older = [uid for uid in self.older if uid not in gone]
        self.login = login

    def _is_another(self, changes: Changes) -> bool:
        """Whether the server has assigned new ids to all messages: at least as many as before, and
        no old id."""
        before = changes.before - len(self._gone)
        return 2 <= before <= len(changes.added) and len(changes.removed) == changes.before

    def read(self, uids: set[str]) -> None:
        """Removes messages that were read."""
        self.news = {uid: news for uid, news in self.news.items() if uid not in uids}
        self.older = [uid for uid in self.older if uid not in uids]
        self.refused = {uid: why for uid, why in self.refused.items() if uid not in uids}

    def failed(self, uid: str, why: ProbeError, now: float) -> bool:
        """Notes that reading this message has failed. Whether it is passed over from now on."""
        news = self.news.get(uid)
        at = news.seen_at if news else now
        self.unreadable.failed(uid, why, now, at=at, is_new=news is not None)
        return uid in self.unreadable.passed_over()

    def unreadable_since(self, moment: float) -> ProbeError | None:
        """Why a message that arrived then or later could not be read; None if all could."""
        new = (why for uid, why in self.refused.items() if self._is_new(uid, moment))
        return next(filter(None, new), None) or self.unreadable.since(moment)

    def _is_new(self, uid: str, moment: float) -> bool:
        return uid in self.news and self.news[uid].seen_at >= moment

    def deleted(self, uids: set[str]) -> None:
        """Removes deleted messages; a message with the same id is then another one."""
        self.read(uids)
        self._gone |= uids

    def may_log_in_at(self, interval: float) -> float:
        """The earliest time for another login that the server allows."""
        return self.login.began + max(interval, self.login_delay) if self.login else 0.0

    def due_at(self, gap: float, interval: float) -> float:
        """When to log in for new messages; `gap` is the watcher's. The login ends in time if it is
        as fast as the last one."""
        allowed = self.may_log_in_at(interval)
        known = {*self.refused, *self.unreadable.passed_over()}
        if not self.login or any(uid not in known for uid in self.news):
            return allowed
        took = self.login.opened - self.login.began
        return max(allowed, self.login.asked + max(SOONEST, GAPS * gap) - took)
