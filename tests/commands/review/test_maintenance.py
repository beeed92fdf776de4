"""What `check` says of windows of maintenance."""

import pytest

from tests.support.reviewed import found

WINDOW = """\
modules:
  sent: {roundtrip: {from: a@b.example, send: {mx: {}}, expect: {code: 554}}, targets: [%s]}
probes: [{name: mx-a, module: sent, target: a@b.example}]
maintenance:
  - {name: move, probes: [%s], start: 2026-12-24T22:00:00+01:00, end: 2026-12-25T02:00:00+01:00}
"""
IN_TIME, TOO_LATE = 1798160399.0, 1798160400.0  # until 2026-12-25T01:00:00Z


@pytest.mark.parametrize(
    ("targets", "pattern"),
    [
        ("", "mx-a"),
        ("", "MX*"),
        ("c@d.example", "c@D.example"),
        ("c@d.example", '"*@d.example"'),
        ('"*@d.example"', "c@d.example"),
        ("192.0.2.0/24", "192.0.2.1"),
    ],
)
def test_a_window_may_be_for_a_named_probe_or_for_a_pair(targets: str, pattern: str) -> None:
    module = {"mx: {}": "smtp: {host: '{target}'}"} if targets[:1] == "1" else {}
    text = WINDOW % (targets, pattern)
    for before, after in module.items():
        text = text.replace(before, after).replace("target: a@b.example", "target: h.example")
        text = text.replace("from: a@b.example", "from: a@b.example, to: a@b.example")
    assert found(text, now=IN_TIME) == []


def test_a_window_for_no_probe() -> None:
    text = "f:5:27: warning: maintenance[0].probes[0]: matches no probe; did you mean mx-a?"
    assert found(WINDOW % ("", "mx-b"), now=IN_TIME) == [text]
    assert found(WINDOW % ("c@d.example", "'*@e.example'"), now=IN_TIME) == [
        "f:5:27: warning: maintenance[0].probes[0]: matches no probe; known: mx-a"
    ]


def test_a_window_that_is_over() -> None:
    assert found(WINDOW % ("", "mx-a"), now=TOO_LATE) == [
        "f:5:73: warning: maintenance[0].end: is over since 2026-12-25T02:00:00+01:00: remove"
        " it, or"
        " correct end"
    ]
