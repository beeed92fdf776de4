"""Many series, as text: the library's bytes, and others have their turn."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Exemplar, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from exporter.core.model import Listing, ListState, ProbeKey
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.metrics import Metrics
from exporter.metrics.exposition import PIECE, Format
from tests.metrics import test_blocklists as test_dnsbl_series
from tests.metrics import test_outcome as test_metrics
from tests.support.pauses import at_once, with_pauses

SUCCESS, FAILURE = test_metrics.SUCCESS, test_metrics.FAILURE


class Read:
    """Families as the library has read them, for the library to write."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            family.samples = [
                sample._replace(exemplar=_with_seconds(sample.exemplar))
                for sample in family.samples
            ]
            yield family


def _with_seconds(exemplar: Exemplar | None) -> Exemplar | None:
    """The library reads a time as a kind of its own, and writes that with nine places."""
    return exemplar and exemplar._replace(timestamp=float(exemplar.timestamp or 0))


LIBRARY: dict[Format, Callable[[bytes], bytes]] = {
    Format.TEXT: lambda text: generate_latest(Read(read_text(text.decode()))),
    Format.OPENMETRICS: lambda text: generate_openmetrics(Read(read_openmetrics(text.decode()))),  # type: ignore[no-untyped-call]
}


def many(probes: int, name: Callable[[int], str] = "probe-{}".format) -> Metrics:
    """That many probes, every third without a trip, every fifth failed, one with blocklists."""
    made = Metrics(lambda: {"monitor": Statistics(messages=1)})
    for number in range(probes):
        key = ProbeKey("relay", f"{number}@example.org")
        made.known(key, name(number))
        if number % 3:
            made.started(key)
            made.finished(
                replace(SUCCESS if number % 5 else FAILURE, probe=key, trip=f"{number:014x}")
            )
    made.known(test_dnsbl_series.KEY, "lists", test_dnsbl_series.LISTS)
    made.finished(test_dnsbl_series.LISTED)
    return made


@pytest.mark.parametrize("form", Format)
def test_all_is_byte_by_byte_what_the_library_writes(form: Format) -> None:
    """The library reads it, and writes the same again: order, labels, numbers, exemplars and the
    end."""
    made = many(20)
    for text in (
        at_once(made.everything(form)),
        at_once(made.probe(ProbeKey("relay", "4@example.org"), form)),
    ):
        assert text.count(b"\n") > 300
        assert LIBRARY[form](text) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_names_are_written_as_the_library_writes_them(name: str) -> None:
    made = many(2, lambda number: f"{name}{number}")
    text = at_once(made.everything())
    labels = {
        sample.labels.get("probe")
        for family in read_text(text.decode())
        for sample in family.samples
    }
    assert {f"{name}0", f"{name}1"} <= labels


@pytest.mark.parametrize("form", Format)
def test_others_have_their_turn_while_many_probes_are_written_and_unchanged_ones_cost_nothing(
    form: Format,
) -> None:
    made = many(30)
    text, pauses = with_pauses(made.everything(form))
    assert text.count(b"\n") / pauses < 1.5 * PIECE
    assert with_pauses(made.everything(form))[1] == 1, (
        "the exporter's own series are read each time"
    )
    made.late(ProbeKey("relay", "7@example.org"), 700.0)
    assert 1 < with_pauses(made.everything(form))[1] < 6


def test_others_have_their_turn_while_one_large_probe_is_written() -> None:
    lists, addresses = (
        [f"list{number}.example" for number in range(50)],
        [f"192.0.2.{last}" for last in range(250)],
    )
    facts = tuple(Listing(one, address, ListState.CLEAN) for one in lists for address in addresses)
    made = Metrics(dict)
    made.known(test_dnsbl_series.KEY, "lists", tuple(lists))
    made.finished(replace(test_dnsbl_series.LISTED, facts=facts))
    text, pauses = with_pauses(made.probe(test_dnsbl_series.KEY))
    assert text.count(b"mailtrip_dnsbl_listed{") == 12_500
    assert pauses > 12_500 / PIECE
    assert LIBRARY[Format.TEXT](text) == text


def test_a_text_is_of_one_moment_and_a_change_while_it_is_written_is_in_the_next() -> None:
    key = ProbeKey("relay", "4@example.org")
    for after in count(1):
        made = many(5)
        writing = made.probe(key)
        try:
            for _ in range(after):
                writing.send(None)
        except StopIteration:
            break
        made.finished(replace(FAILURE, probe=key))
        text = at_once(writing).decode()
        assert ("\nprobe_success 1.0\n" in text) is ("\nmailtrip_success 1.0\n" in text), after
        shown = at_once(made.probe(key)).decode()
        assert "\nprobe_success 0.0\n" in shown
        assert "\nmailtrip_success 0.0\n" in shown
    assert after > 2, "there are several pauses"


def test_a_probe_with_another_name_is_shown_by_that_alone() -> None:
    made, key = many(3), ProbeKey("relay", "1@example.org")
    at_once(made.everything())
    made.known(key, "another")
    text = at_once(made.everything())
    assert b'probe="another"' in text
    assert b'probe="probe-1"' not in text


def test_a_probe_that_is_removed_while_the_page_is_written_is_not_on_it_any_more() -> None:
    made = many(5)
    writing = made.everything()
    writing.send(None)
    made.forgotten(ProbeKey("relay", "4@example.org"))
    text = at_once(writing)
    assert b'probe="probe-3"' in text
    assert b'probe="probe-4"' not in text
