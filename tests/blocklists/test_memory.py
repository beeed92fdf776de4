"""What lists said a short while ago."""

from exporter.blocklists.memory import Memory
from exporter.blocklists.names import Subject
from exporter.core.model import Listing, ListState
from tests.blocklists.test_list_status import BL


def test_memory_is_bounded_and_the_oldest_give_way() -> None:
    memory = Memory(most=2)
    subjects = [Subject.of(f"192.0.2.{number}") for number in range(3)]
    for subject in subjects:
        memory.keep(BL, subject, Listing("bl.test", subject.text, ListState.CLEAN), 0, 10.0)
    found = [memory.recall(BL, subject, 0, 5.0) for subject in subjects]
    assert [listing and listing.subject for listing in found] == [None, "192.0.2.1", "192.0.2.2"]
    memory.keep(BL, subjects[2], Listing("bl.test", "192.0.2.2", ListState.CLEAN), 0, 10.0)  # again
    assert memory.recall(BL, subjects[1], 0, 5.0)
    assert memory.recall(BL, subjects[2], 1, 5.0) is None
    assert memory.recall(BL, subjects[2], 0, 10.0) is None
