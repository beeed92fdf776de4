"""Messages whose deletion was confirmed, and that are there."""

from exporter.mailboxes.pop3.confirmed import LEAST, LONGEST, MOST, ConfirmedDeletions
from exporter.mailboxes.session import Sighting

OURS = b"Message-ID: <1@example.org>\r\n\r\ntext"


def sighting(uid: str = "a", raw: bytes = OURS) -> Sighting:
    return Sighting(uid, "INBOX", raw, 0.0, watched=True)


def confirmed(times: int = LEAST) -> ConfirmedDeletions:
    """At the times 0, 1, ..."""
    deletions = ConfirmedDeletions()
    for now in range(times):
        deletions.add([sighting()], float(now))
    return deletions


def test_after_two_deletions_and_a_minute_a_message_should_be_gone() -> None:
    deletions = confirmed()
    assert not deletions.in_vain([sighting()], LONGEST - 0.1)
    assert not deletions.in_vain([sighting("b")], LONGEST)
    beginning = sighting(raw=OURS.replace(b"text", b""))
    error = deletions.in_vain([sighting("b"), beginning], LONGEST)
    assert "confirmed the deletion of our message 2 times" in str(error)


def test_one_deletion_is_not_enough_to_blame_a_server() -> None:
    assert not confirmed(1).in_vain([sighting()], 10 * LONGEST)


def test_another_message_may_have_the_same_id() -> None:
    deletions = confirmed()
    other = sighting(raw=OURS.replace(b"<1@", b"<2@"))
    assert not deletions.in_vain([other], LONGEST)
    deletions.add([other], LONGEST)
    assert not deletions.in_vain([other], 3 * LONGEST)


def test_what_is_gone_is_forgotten() -> None:
    deletions = confirmed()
    deletions.forget_unlisted({"b"})
    deletions.add([sighting()], LONGEST)
    assert not deletions.in_vain([sighting()], 3 * LONGEST)


def test_no_more_than_so_many_are_known() -> None:
    deletions = confirmed()
    deletions.add([sighting(str(number)) for number in range(MOST)], 0.0)
    assert not deletions.in_vain([sighting()], LONGEST)
