"""What is known of a POP3 maildrop from one login to the next: which messages are new, and since
when. Pure.

A session sees the maildrop as it was at its login (RFC 1939 section 4). So what is new is what the
login before did not show, and it came in between. A unique id may be given again once its message
is gone (section 7), so only those that the newest login has shown are remembered.
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
    """The moments of a login, monotonic: the connection begins, the name is given, the maildrop is
    open."""

    began: float
    asked: float
    opened: float


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that a login has shown first. It may have come `lag` seconds before it was
    `seen_at`."""

    seen_at: float
    lag: float


class Maildrop:
    """`news` and `older` wait to be read, by unique id; the older ones begin with the newest."""

    def __init__(self) -> None:
        self.login: Login | None = None  # the newest
        # Seconds that the server wants between two logins (RFC 2449 section 6.5).
        self.login_delay = 0.0
        self.news: dict[str, NewMessage] = {}
        self.older: list[str] = []
        self._shown: set[str] = set()

    def listed(self, uids: Sequence[str], login: Login) -> None:
        """Takes what a login shows, in the order of the server, which is that of arrival."""
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
        """As many messages as before and more, and none under its old id: the server has
        given all of them new ids."""
        return 2 <= len(self._shown) <= len(shown) and self._shown.isdisjoint(shown)

    def read(self, uids: set[str]) -> None:
        """These need not be read any more."""
        self.news = {uid: news for uid, news in self.news.items() if uid not in uids}
        self.older = [uid for uid in self.older if uid not in uids]

    def deleted(self, uids: set[str]) -> None:
        """These are gone; a message that comes under the same id is another one."""
        self.read(uids)
        self._shown -= uids

    def may_log_in_at(self, interval: float) -> float:
        """The earliest moment for another login, for the sake of the server."""
        return self.login.began + max(interval, self.login_delay) if self.login else 0.0

    def due_at(self, gap: float, interval: float) -> float:
        """When to log in for news; `gap` is the watcher's. It ends in time if it takes as long as
        the last one."""
        allowed = self.may_log_in_at(interval)
        if not self.login or self.news:
            return allowed
        took = self.login.opened - self.login.began
        return max(allowed, self.login.asked + max(SOONEST, GAPS * gap) - took)
