"""By which names we are called, and who has a browser send what."""

import socket

import aiohttp
import pytest

from exporter.web.external_url import ExternalUrl
from exporter.web.origin import OriginCheck
from tests.support.http_site import GOOD, Site, site
from tests.support.https_site import secure_site
from tests.support.web_config_folder import TLS, Folder

OURS = ExternalUrl.from_flags(
    "https://Mon.example.org:8443/x", None, ["mail.example.org", "*.example.net."]
)
SCRAPE = {
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
    "Accept-Encoding": "gzip",
    "User-Agent": "Prometheus/2.53.0",
}


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "127.0.0.1:10925",
            "192.0.2.1",
            "[::1]",
            "[2001:DB8::1]:10925",
            "localhost",
            "localhost:1",
            "LOCALHOST",
        ),
        *(
            "mailtrip",
            "mailtrip:10925",
            "mailtrip-0",
            "x",
            "mailtrip.mail.svc",
            "mailtrip-0.mailtrip.mail.svc:10925",
        ),
        *(
            "mailtrip.mail.svc.cluster.local",
            "box.local",
            "mailtrip.internal",
            "box.lan",
            "box.home.arpa.",
            "a.localhost",
        ),
        *(
            "mon.example.org",
            "mon.example.org:8443",
            "MAIL.example.org",
            "mail.example.org.:80",
            "a.example.net",
            "b.a.example.net",
        ),
        *("listen.example.com", socket.gethostname()),
    ],
)
def test_these_names_are_ours(host: str) -> None:
    assert OriginCheck(OURS, ["listen.example.com", ""]).allows(host)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.test",
            "evil.test:10925",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "mon.example.org.evil.test",
            "a.svc.com",
        ),
        *(
            "example.org",
            "xmail.example.org",
            "example.net",
            "evilexample.net",
            "127.0.0.1.",
            "0x7f.1",
            "[::1",
            "[::1%lo]",
        ),
        *(
            "mail.example.org@evil.test",
            "evil.test#mail.example.org",
            "a b",
            "<script>",
            "127.1",
            "0x7f.1",
            "a.svc.com",
        ),
        *("evil.test/localhost", "\udcff", "*", "*.example.net", "", "a.svc.com"),
    ],
)
def test_these_are_not(host: str) -> None:
    assert not OriginCheck(OURS).allows(host)


def test_every_name_is_ours_if_told_so() -> None:
    assert OriginCheck(ExternalUrl.from_flags(None, None, ["*"])).allows("evil.test")


async def status(here: Site, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    return await here.get(path, method=method, **headers)


async def test_another_name_is_misdirected_on_every_path_and_told_how_to_be_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with site() as here:
        for path in (
            "/",
            "/metrics",
            "/config",
            "/sd",
            "/trips",
            GOOD,
            "/-/healthy",
            "/nowhere",
            "/-/reload",
        ):
            for method in ("GET", "POST", "HEAD"):
                got, text = await status(here, path, method, Host="Evil.test:10925")
                assert got == 421
                assert method == "HEAD" or text == (
                    "'Evil.test:10925' is not a name of this mailtrip; if it should be, "
                    "start mailtrip with --web.allowed-host evil.test\n"
                )
        assert not here.rig.sender.sent
        assert len(caplog.records) == 1
        for number in range(30):
            await status(here, "/", Host=f"{number}.evil.test")
        assert len(caplog.records) == 10
        for host in ("localhost", "mailtrip:10925", "192.0.2.7"):
            assert (await status(here, "/config", Host=host))[0] == 200


async def test_prometheus_may_call_us_as_it_likes_and_no_browser_can_pass_for_it() -> None:
    async with (
        site() as here,
        aiohttp.ClientSession(skip_auto_headers=["Accept", "User-Agent"]) as prometheus,
    ):
        url = f"http://{here.host}:{here.port}/metrics"
        for more, expected in (
            ({}, 200),
            ({"Accept-Language": "de"}, 421),
            ({"Accept-Language": ""}, 421),
            ({"Accept-Encoding": "gzip, deflate"}, 421),
            ({"Accept-Encoding": "identity"}, 421),
            ({"Origin": "http://mon.example.com"}, 421),
            ({"Sec-Fetch-Site": "same-origin"}, 421),
            ({"Referer": "http://mon.example.com/"}, 421),
        ):
            async with prometheus.get(
                url, headers=SCRAPE | {"Host": "mon.example.com"} | more
            ) as answer:
                assert answer.status == expected, more


async def test_by_tls_the_certificate_says_who_we_are(folder: Folder) -> None:
    async with secure_site(folder, TLS) as here:
        url = f"https://{here.host}:{here.port}/-/healthy"
        async with here.http.get(
            url, ssl=folder.client(), headers={"Host": "mon.example.com"}
        ) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost.evil.test"},
        {"Origin": ""},
        {"Referer": "http://evil.test/x"},
        {"Referer": "http://127.0.0.1:1/trips"},
        {"Referer": "about:blank"},
        {"Referer": "http://evil.test", "Origin": "http://evil.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "Cross-Site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"},
        {"Sec-Fetch-Site": "something-new"},
    ],
)
async def test_what_a_page_of_somebody_else_asks_for_is_not_done(headers: dict[str, str]) -> None:
    async with site() as here:
        base = f"http://{here.host}:{here.port}"
        for method, path in (
            ("POST", "/-/reload"),
            ("POST", "/"),
            ("DELETE", "/metrics"),
            ("GET", GOOD),
        ):
            async with here.http.request(method, base + path, headers=headers) as answer:
                assert answer.status == 403, (method, path)
                assert "a page of" in await answer.text()
        assert not here.rig.sender.sent
        for path in ("/", "/metrics", f"{GOOD}&debug=true", "/-/healthy"):
            async with here.http.get(base + path, headers=headers) as answer:
                assert answer.status == 200, "looking is free"
        assert 'refused_total{reason="foreign_page"} 1' in (await here.get("/metrics"))[1]


async def test_what_our_own_pages_and_people_ask_for_is_done() -> None:
    async with site() as here:
        ours = f"{here.host}:{here.port}"
        for headers in (
            {"Origin": f"http://{ours}", "Sec-Fetch-Site": "same-origin"},
            {"Origin": "http://localhost", "Host": "localhost:80"},
            {"Origin": "https://localhost", "Host": "localhost"},  # a proxy that ends TLS
            {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
            {"Referer": f"http://{ours}/trips?probe=x"},
            {"Referer": "http://evil.test/", "Sec-Fetch-Site": "none"},
            {},
        ):
            async with here.http.get(f"http://{ours}{GOOD}", headers=headers) as answer:
                assert answer.status == 200, headers


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_what_is_not_there_is_told_with_a_way_on(method: str) -> None:
    async with site() as here:
        for path in ("/health", "/metric", "/probes", "/trips/x"):
            got, text = await here.get(path, method=method)
            assert got == 404
            assert method == "HEAD" or text == "404: Not Found; the start page is /\n"


async def test_a_wrong_method_is_told_the_right_one() -> None:
    async with site() as here:
        assert await here.get("/metrics", method="POST") == (
            405,
            "405: Method Not Allowed; use GET or HEAD\n",
        )
