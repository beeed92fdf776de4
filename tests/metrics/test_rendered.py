"""Many series, as text: the library's bytes, what is unchanged is not written again, and others
have their turn."""

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
from exporter.core.scope import BlocklistScope
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import SLICE, Slices
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.metrics.definitions import Definition
from exporter.metrics.exporter import Readings
from exporter.metrics.exposition import Format
from exporter.metrics.metrics import Metrics
from exporter.metrics.rendered import PIECE, Rendered
from exporter.metrics.series import Series
from tests.metrics import test_blocklists as test_dnsbl_series
from tests.metrics import test_outcome as test_metrics
from tests.support.pauses import at_once, with_pauses
from tests.support.scopes import SUBMISSION

SUCCESS, FAILURE = test_metrics.SUCCESS, test_metrics.FAILURE
KEY = ProbeKey("relay", "4@example.org")


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


def slow() -> Clock:
    """A clock by which everything takes so long that others have their turn at every chance."""
    return ticking(SLICE)


def ticking(seconds: float) -> Clock:
    """A clock that is read again so many seconds later."""
    ticks = count()
    return Clock(monotonic=lambda: next(ticks) * seconds)


def many(
    probes: int, name: Callable[[int], str] = "probe-{}".format, clock: Clock | None = None
) -> Metrics:
    """That many probes, every third without a trip, every fifth failed, one with blocklists."""
    made = Metrics(Readings(lambda: {"monitor": Statistics(messages=1)}), clock)
    for number in range(probes):
        key = ProbeKey("relay", f"{number}@example.org")
        made.known(key, name(number), SUBMISSION)
        if number % 3:
            made.started(key)
            made.finished(
                replace(SUCCESS if number % 5 else FAILURE, probe=key, trip=f"{number:014x}")
            )
    made.known(test_dnsbl_series.KEY, "lists", BlocklistScope(test_dnsbl_series.LISTS))
    made.finished(test_dnsbl_series.LISTED)
    return made


@pytest.mark.parametrize("form", Format)
def test_all_is_byte_by_byte_what_the_library_writes(form: Format) -> None:
    """The library reads it, and writes the same again: order, labels, numbers, exemplars and the
    end."""
    made = many(20)
    for _ in range(2):
        for page in (made.everything(form), made.probe(KEY, form)):
            text = bytes(at_once(page))
            assert text.count(b"\n") > 90
            assert LIBRARY[form](text) == text
        made.finished(replace(FAILURE, probe=KEY))


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


FAMILIES = (
    Definition("gauge", "gauge", "help", ("a",)),
    Definition("counter_total", "counter", "help", start=((),)),
    Definition("histogram", "histogram", "help", ("a",), (1.0, 2.0)),
)
CHANGES = st.sampled_from(
    [
        lambda series: series.set("gauge", 2.0, "x"),
        lambda series: series.replace("gauge", {("y",): -0.0, ("x",): 1.0}),
        lambda series: series.replace("gauge", {}),
        lambda series: series.add("counter_total", 1),
        lambda series: series.observe("histogram", 1.5, "x", trip="0a", at=1.0),
        lambda series: series.observe("histogram", 3.0, "y"),
    ]
)
READINGS = st.tuples(st.sampled_from(Format), st.sampled_from([None, "p"]))


@given(st.lists(st.lists(CHANGES, max_size=3), max_size=8), st.lists(READINGS, min_size=9))
def test_a_text_of_what_has_changed_is_the_text_of_everything(
    changes: list[list[Callable[[Series], None]]], readings: list[tuple[Format, str | None]]
) -> None:
    series = Series(FAMILIES)
    rendered = Rendered(series)
    for some, (form, probe) in zip([[], *changes], readings, strict=False):
        for change in some:
            change(series)
        lines = at_once(rendered.lines(form, standing(), probe))
        assert lines == at_once(Rendered(series).lines(form, standing(), probe))


def standing() -> Slices:
    return Slices(lambda: 0.0)


def test_only_families_that_have_changed_are_written_again() -> None:
    series = Series(FAMILIES)
    rendered = Rendered(series)

    def written() -> dict[str, int]:
        """By family, which text it is."""
        lines = at_once(rendered.lines(Format.TEXT, standing()))
        return {name: id(text) for name, text in lines.items()}

    series.set("gauge", 1.0, "x")
    series.observe("histogram", 1.0, "x")
    before = written()
    assert written() == before
    series.add("counter_total", 1)
    series.replace("gauge", {("x",): 1.0})  # the same
    after = written()
    assert {name for name in before if before[name] != after[name]} == {"counter_total"}


def test_a_text_that_nobody_reads_between_two_changes_is_not_kept() -> None:
    series = Series(FAMILIES)
    rendered = Rendered(series)
    at_once(rendered.lines(Format.OPENMETRICS, standing()))
    for kept in (2, 2, 1):
        at_once(rendered.lines(Format.TEXT, standing()))
        assert len(rendered._kept) == kept
        series.add("counter_total", 1)


@pytest.mark.parametrize("form", Format)
def test_others_have_their_turn_while_many_probes_are_written_and_not_more_often_than_they_need(
    form: Format,
) -> None:
    text, turns = with_pauses(many(30, clock=slow()).everything(form))
    assert turns > 30
    assert bytes(text).count(b"\n") / turns < PIECE
    checks = turns
    assert with_pauses(many(30, clock=ticking(SLICE / 10)).everything(form))[1] < checks / 5
    assert with_pauses(many(30, clock=ticking(0)).everything(form))[1] == 0


def test_others_have_their_turn_while_one_large_probe_is_written() -> None:
    lists, addresses = (
        [f"list{number}.example" for number in range(50)],
        [f"192.0.2.{last}" for last in range(250)],
    )
    facts = tuple(Listing(one, address, ListState.CLEAN) for one in lists for address in addresses)
    made = Metrics(clock=slow())
    made.known(test_dnsbl_series.KEY, "lists", BlocklistScope(tuple(lists)))
    made.finished(replace(test_dnsbl_series.LISTED, facts=facts))
    text, turns = with_pauses(made.probe(test_dnsbl_series.KEY))
    assert bytes(text).count(b"mailtrip_dnsbl_listed{") == 12_500
    assert turns > 12_500 / PIECE
    assert LIBRARY[Format.TEXT](bytes(text)) == bytes(text)


def test_a_text_is_of_one_moment_and_a_change_while_it_is_written_is_in_the_next() -> None:
    for after in count(1):
        made = many(5, clock=slow())
        writing = made.probe(KEY)
        try:
            for _ in range(after):
                writing.send(None)
        except StopIteration:
            break
        made.finished(replace(SUCCESS, probe=KEY))
        made.finished(replace(FAILURE, probe=KEY))
        shown = test_metrics.series(at_once(writing))
        success = shown["mailtrip_success"]
        sent = {1.0: 1, 0.0: 2}[success]
        assert shown["probe_success"] == success, after
        assert shown["mailtrip_send_duration_seconds_count"] == sent
        shown = test_metrics.series(at_once(made.probe(KEY)))
        assert shown["probe_success"] == shown["mailtrip_success"] == 0
    assert after > 2, "there are several pauses"


def test_two_who_read_while_it_changes_get_a_text_of_one_moment_each() -> None:
    made = many(5, clock=slow())
    first = made.probe(KEY)
    first.send(None)
    made.finished(replace(FAILURE, probe=KEY))
    at_once(made.probe(KEY))
    at_once(first)  # the older text is ready last
    shown = at_once(made.probe(KEY)).decode()
    assert "\nprobe_success 0.0\n" in shown
    assert "\nmailtrip_success 0.0\n" in shown


def test_a_probe_with_another_name_is_shown_by_that_alone() -> None:
    made, key = many(3), ProbeKey("relay", "1@example.org")
    at_once(made.everything())
    made.known(key, "another", SUBMISSION)
    text = at_once(made.everything()).decode()
    assert 'probe="another"' in text
    assert 'probe="probe-1"' not in text


def test_a_probe_that_is_removed_while_the_page_is_written_is_not_on_it_any_more() -> None:
    made = many(5, clock=slow())
    writing = made.everything()
    writing.send(None)
    made.forgotten(KEY)
    text = at_once(writing).decode()
    assert 'probe="probe-3"' in text
    assert 'probe="probe-4"' not in text
