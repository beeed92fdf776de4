"""What a server says is checked before it is used."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.commands.status.probe_status import NotOurs, ProbeStatus
from exporter.core.one_line import CONTROL
from tests.commands.status.probes import item, trip

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        {},
        item(target=5),
        item(interval=float("nan")),
        item(interval=float("inf")),
        item(interval=-1),
        item(interval=True),
        item(timeout=10**400),
        item(since=1e300),
        item(in_progress=3),
        item(failures="many"),
        item(availability=[1]),
        item(newest=[1]),
        item(newest=trip(started_at="now")),
        item(newest=trip(failure="why")),
    ],
)
def test_what_no_mailtrip_says_is_refused(fields: object) -> None:
    with pytest.raises(NotOurs):
        ProbeStatus.read(fields)


@given(name=st.sampled_from(sorted(item())), value=JSON)
def test_any_value_of_a_field_is_read_or_refused(name: str, value: object) -> None:
    try:
        read = ProbeStatus.read(item() | {name: value})
    except NotOurs:
        return
    assert not re.search(f"[{CONTROL}]", read.title)


def test_texts_are_one_line() -> None:
    assert ProbeStatus.read(item("a\nb\x1b[31m|")).name == "a b [31m|"
