"""Whatever stands in a file, the answer is settings or mistakes, and never anything else."""

from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.config.mistakes import Mistakes
from exporter.settings import Settings

EXAMPLE = """\
state: {dir: /var/lib/mailtrip}
resolver: {nameservers: ["192.0.2.53:53"], timeout: 5s}
mailboxes:
  monitor: {imap: {host: imap.example.org, port: 993, tls: implicit, username: monitor,
      password: {file: /x}}}
  own: {smtpd: {listen: "0.0.0.0:2525", recipients: ["monitor@mon.example.org"],
      max_message_size: 1MiB}}
modules:
  submission:
    interval: 5m
    targets: ["*@example.org", 192.0.2.0/24]
    roundtrip: {from: probe@example.org, to: "{target}", send: {smtp: {host: smtp, port: 587}},
        mailbox: monitor}
probes:
  - {name: a, module: submission, target: someone@example.org, interval: 6h}
"""

SCHEMA = Settings.json_schema()
keys = st.sampled_from(
    [
        "file",
        "env",
        *SCHEMA["properties"],
        *(k for d in SCHEMA["$defs"].values() for k in d["properties"]),
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        ["{target}", "5m", "a@b", "a", "192.0.2.1", "192.0.2.1:53", "implicit", "1MiB", ""]
    )
    | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(keys | st.text(max_size=3), below, max_size=4)
    ),
    max_leaves=30,
)


def answered(raw: bytes) -> None:
    try:
        settings = Settings.parse(raw, "a.yml")
    except Mistakes as mistakes:
        told = str(mistakes).splitlines()
    else:
        told = [
            f"a.yml: {probe.name}"
            for probe in settings.probes
            if settings.allows(probe.module, probe.target)
        ]
        assert len(told) == len(settings.probes)
    assert all(line.startswith("a.yml:") for line in told)


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    answered(raw)


@given(st.text("abc:-?[]{}&*!|>'\"%@`#,<~ \n\t.1x", max_size=60))
@example("a:\n- &a\n- *a\n- {<<: *a}\n")
def test_any_text_that_looks_like_yaml(text: str) -> None:
    answered(text.encode())


@given(st.dictionaries(keys, values, max_size=5))
def test_any_data_in_yaml(data: dict[str, Any]) -> None:
    answered(yaml.safe_dump(data).encode())


@given(st.data())
def test_a_good_file_with_any_value_replaced(data: st.DataObject) -> None:
    root = yaml.safe_load(EXAMPLE)
    here = root
    while True:
        at = data.draw(
            st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here)))
        )
        if not isinstance(here[at], dict | list) or not here[at] or data.draw(st.booleans()):
            break
        here = here[at]
    here[at] = data.draw(values)
    answered(yaml.safe_dump(root).encode())


@given(
    st.integers(0, len(EXAMPLE)), st.integers(0, 3), st.text("{}[]:&*!-'\"# \n\t<a1", max_size=3)
)
def test_a_good_file_after_a_slip_of_the_hand(at: int, cut: int, typed: str) -> None:
    answered((EXAMPLE[:at] + typed + EXAMPLE[at + cut :]).encode())


def test_the_good_file_is_good() -> None:
    assert Settings.parse(EXAMPLE.encode(), "a.yml").probes
