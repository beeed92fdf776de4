"""Which proxy a request by HTTPS takes. Secrets of its URL are in no error."""

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.http.proxy import proxy_for


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("proxy", "url"),
    [
        ("", None),
        ("http://me:hunter2@proxy.test:3128", "http://me:hunter2@proxy.test:3128"),
        ("https://proxy.test", "https://proxy.test"),
        ("proxy.test:3128", "http://proxy.test:3128"),
    ],
)
def test_it_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, proxy: str, url: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.lab.test")
    assert proxy_for("graph.example.test") == url
    assert proxy_for("127.0.0.1") is None
    assert proxy_for("a.lab.test") is None


def test_another_kind_of_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:hunter2@proxy.test:1080")
    with pytest.raises(ProbeError, match="write http://HOST:PORT") as caught:
        proxy_for("graph.example.test")
    assert caught.value.reason is Reason.CONNECT
    assert "hunter2" not in str(caught.value)
