"""Addresses in texts of servers: which become links."""

import pytest

from exporter.web.pages.links import linked

PAGE = "https://www.example.net/query/ip/192.0.2.7"


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (f"554 blocked, see {PAGE}", [PAGE]),
        (f"(see {PAGE}).", [PAGE]),
        (f"{PAGE}, or http://a.example?x=1&y=2", [PAGE, "http://a.example?x=1&y=2"]),
        ("no address: https:// or javascript:alert(1) or example.net", []),
        ('https://a.example/"onclick="alert(1)', ["https://a.example/"]),
        ("https://a.example/<script>", ["https://a.example/"]),
        ("https://ex\u0430mple.net/", []),
        ("https://kiss.example/ip", ["https://kiss.example/ip"]),
        ("", []),
    ],
)
def test_only_whole_addresses_are_links_and_no_text_is_lost(
    text: str, addresses: list[str]
) -> None:
    parts = list(linked(text))
    assert [part for part, is_address in parts if is_address] == addresses
    assert "".join(part for part, _ in parts) == text
