"""Where the start page is for whoever asks."""

from urllib.parse import urljoin

import pytest

from exporter.web.external_url import MOST_DEEP, ExternalUrl


@pytest.mark.parametrize("prefix", ["", "/mailtrip", "/a/b"])
@pytest.mark.parametrize("path", ["/x", "/x/y", "/x/y/", "/x%2Fy/z", "/x" * 100])
def test_a_page_anywhere_leads_to_the_start_page(prefix: str, path: str) -> None:
    ours, host = ExternalUrl(prefix=prefix), "http://127.0.0.1:10925"
    start = f"{host}{prefix}/"
    for asked_for in (prefix + path, path):
        assert urljoin(host + asked_for, ours.root_from(asked_for) or "./") == start
        assert len(ours.root_from(asked_for)) < 3 * MOST_DEEP + 10


def test_a_page_leads_to_the_start_page_behind_a_proxy_that_cuts_off_a_prefix() -> None:
    at_proxy = "https://mail.example.org/mailtrip/x/y"
    assert (
        urljoin(at_proxy, ExternalUrl().root_from("/x/y")) == "https://mail.example.org/mailtrip/"
    )
