"""The lists that are asked if none is configured."""

from exporter.blocklists import catalogue
from exporter.blocklists.free_lists import free_lists
from exporter.blocklists.names import SubjectKind


def test_they_need_no_key_and_none_is_a_part_of_another() -> None:
    names = [one.name for one in free_lists()]
    assert {"zen.spamhaus.org", "dbl.spamhaus.org", "bl.spamcop.net"} <= set(names)
    assert not {"sbl.spamhaus.org", "zen.dq.spamhaus.net", "spam.spamrats.com"} & set(names)
    assert len(names) == len(set(names)) > 12
    assert not any("{" in one.zone() for one in free_lists())


def test_there_are_some_for_each_kind_of_subject() -> None:
    for kind in SubjectKind:
        assert any(one.takes(kind) and one.alarming for one in free_lists())


def test_the_whole_of_a_part_is_a_free_list_of_the_same_subjects() -> None:
    parts = [one for zone in catalogue.zones() if (one := catalogue.entry(zone)) and one.part_of]
    free = [one.name for one in free_lists()]
    assert len(parts) > 5
    for part in parts:
        whole = catalogue.entry(part.part_of)
        assert whole
        assert not whole.part_of
        assert part.part_of in free
        assert part.asks <= whole.asks
        assert whole.bits or set(part.codes or {}) <= set(whole.codes or {})
