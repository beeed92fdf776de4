"""Patterns for names of hosts."""

import pytest

from exporter.net.tls.host_pattern import matches


@pytest.mark.parametrize(
    ("pattern", "host"),
    [
        ("mx.example.test", "mx.example.test"),
        ("MX.Example.test.", "mx.example.TEST"),
        ("*.example.test", "mx.example.test"),
        ("*.example.test", "MX.EXAMPLE.TEST."),
    ],
)
def test_it_matches(pattern: str, host: str) -> None:
    assert matches(pattern, host)


@pytest.mark.parametrize(
    ("pattern", "host"),
    [
        ("mx.example.test", "mx.example.tes"),
        ("*.example.test", "example.test"),
        ("*.example.test", ".example.test"),
        ("*.example.test", "a.b.example.test"),
        ("*.test", "mx.example.test"),
        ("*", "test"),
        ("*.", "test"),
        ("m*.example.test", "mx.example.test"),
        ("mx.*.test", "mx.example.test"),
        ("", ""),
    ],
)
def test_it_does_not(pattern: str, host: str) -> None:
    assert not matches(pattern, host)
