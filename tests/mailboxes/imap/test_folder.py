"""What a session knows of a folder, whatever comes and goes there between two looks."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.mailboxes.imap.folder import SWEEP, Bookmark, Folder
from exporter.net.imap.reader import Reader


class FolderServer:
    """A folder with messages, told as IMAP tells it; and what a careful reader would know of it."""

    def __init__(self, here_before: int) -> None:
        self.folder = Folder("INBOX", Bookmark(1, here_before + 1))
        self.now = 0.0
        self.uids = list(range(1, here_before + 1))
        self.unseen: dict[int, float] = {}  # by UID: since when we could know of it
        self.uidnext = here_before + 1
        self.say(
            f"* {here_before} EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT {self.uidnext}]\r\n",
            opening=True,
        )
        self.folder.count_unseen(self.folder.exists)

    def say(self, lines: str, *, opening: bool = False) -> None:
        responses = list(Reader().feed(lines.encode(), self.now))
        if opening:
            self.folder.opened(responses)
        for response in responses:
            self.folder.observe(response)

    def deliver(self, count: int) -> None:
        self.now += 1
        for _ in range(count):
            self.unseen[self.uidnext] = self.now
            self.uids.append(self.uidnext)
            self.uidnext += 1
        self.say(f"* {len(self.uids)} EXISTS\r\n")

    def expunge(self, place: int) -> None:
        if self.uids:
            place %= len(self.uids)
            self.unseen.pop(self.uids.pop(place), None)
            self.say(f"* {place + 1} EXPUNGE\r\n")

    def look(self, at_most: int) -> None:
        """Reads the oldest of the unseen, as a scan does, while nothing happens."""
        self.folder.begin_poll()
        wanted = sorted(self.unseen)
        for uid in wanted[:at_most]:
            del self.unseen[uid]
        self.folder.end_poll(max(len(wanted) - at_most, 0))


EVENTS = st.lists(
    st.tuples(st.just("deliver"), st.integers(1, 3))
    | st.tuples(st.just("expunge"), st.integers(0, 20))
    | st.tuples(st.just("look"), st.integers(1, 4))
)


@given(st.integers(0, 5), EVENTS)
def test_every_message_is_unseen_until_it_was_looked_at_and_seen_since_it_was_told(
    here_before: int, events: list[tuple[str, int]]
) -> None:
    server = FolderServer(here_before)
    for event, number in events:
        getattr(server, event)(number)
        assert server.folder.exists == len(server.uids)
        assert server.folder.unseen == len(server.unseen)
        for uid, since in server.unseen.items():
            assert server.folder.seen_at(server.uids.index(uid) + 1) == since


def test_what_came_while_nobody_was_there_is_unseen() -> None:
    folder = Folder("INBOX", Bookmark(1, 5))
    folder.opened(
        Reader().feed(b"* 10 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 8]\r\n", 3.0)
    )
    assert not folder.unfamiliar
    folder.count_unseen(folder.exists)
    assert folder.unseen == 3
    assert folder.seen_at(10) == 3.0


def test_a_folder_with_more_news_than_we_would_sweep_is_unfamiliar() -> None:
    folder = Folder("INBOX", Bookmark(1, 5))
    folder.opened(
        Reader().feed(
            b"* 9999 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT %d]\r\n" % (6 + SWEEP)
        )
    )
    folder.watch(folder.validity, folder.uidnext)
    assert folder.unfamiliar
    folder.start_over(range(1, 6 + SWEEP))
    assert folder.bookmark == Bookmark(1, 6 + SWEEP, tuple(range(5 + SWEEP, 5, -1)))


def test_a_server_that_was_put_back_to_an_older_state_is_unfamiliar() -> None:
    folder = Folder("INBOX", Bookmark(1, 50))
    folder.opened(Reader().feed(b"* 9 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 40]\r\n"))
    assert folder.behind(1, 40)
    assert folder.unfamiliar


def test_the_last_message_makes_up_for_a_uidnext_that_is_not_told() -> None:
    folder = Folder("INBOX", Bookmark(1, 50))
    folder.opened(Reader().feed(b"* 9 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n"))
    folder.last_message_is(30)  # those behind it were deleted
    assert (folder.uidnext, folder.unfamiliar) == (50, False)
    folder.last_message_is(50)
    folder.count_unseen(folder.exists)
    assert folder.unseen == 1


def test_a_server_that_contradicts_itself_does_no_harm() -> None:
    folder = Folder("INBOX")
    for response in Reader().feed(
        b"* 3 EXPUNGE\r\n* 0 EXPUNGE\r\n* 2 EXISTS\r\n* 1 EXISTS\r\n* 9 EXPUNGE\r\n"
    ):
        folder.observe(response)
    assert (folder.exists, folder.unseen) == (1, 1)


def test_what_was_flagged_under_another_uidvalidity_is_forgotten() -> None:
    folder = Folder("Trash")
    for validity, flagged in ((1, set()), (1, {5}), (2, set())):
        folder.opened(Reader().feed(b"* 9 EXISTS\r\n* OK [UIDVALIDITY %d]\r\n" % validity))
        assert folder.flagged == flagged
        folder.flagged = {5}
