"""The state of a POP3 maildrop between logins: which messages are new, and since when. Pure.

A session sees the maildrop as at its login (RFC 1939 section 4). So messages that the previous
login did not show are new, and arrived in between. A unique id may be reused once its message is
deleted (section 7), so only those of the newest login are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
        self._shown: set[str] = set()

    def listed(self, uids: Sequence[str], login: Login) -> None:
        """Takes the list of a login, in the server's order, which is that of arrival."""
        shown = set(uids)
        self.news = {uid: news for uid, news in self.news.items() if uid in shown}
        if self.login is None or self._is_another(shown):
            self.news, self.older = {}, list(dict.fromkeys(reversed(uids)))[:SWEEP]
        else:
            news = NewMessage(login.opened, login.opened - self.login.asked)
            self.news.update((uid, news) for uid in uids if uid not in self._shown)
            self.older = [uid for uid in self.older if uid in shown]
        self._shown, self.login = shown, login

    def _is_another(self, shown: set[str]) -> bool:
        """Whether the server has assigned new ids to all messages: at least as many as before, and
        no old id."""
        return 2 <= len(self._shown) <= len(shown) and self._shown.isdisjoint(shown)

    def read(self, uids: set[str]) -> None:
        """Removes messages that were read."""
        self.news = {uid: news for uid, news in self.news.items() if uid not in uids}
        self.older = [uid for uid in self.older if uid not in uids]

    def deleted(self, uids: set[str]) -> None:
        """Removes deleted messages; a message with the same id is then another one."""
        self.read(uids)
        self._shown -= uids

    def may_log_in_at(self, interval: float) -> float:
        """The earliest time for another login that the server allows."""
        return self.login.began + max(interval, self.login_delay) if self.login else 0.0

    def due_at(self, gap: float, interval: float) -> float:
        """When to log in for new messages; `gap` is the watcher's. The login ends in time if it is
        as fast as the last one."""
        allowed = self.may_log_in_at(interval)
        if not self.login or self.news:
            return allowed
        took = self.login.opened - self.login.began
        return max(allowed, self.login.asked + max(SOONEST, GAPS * gap) - took)
