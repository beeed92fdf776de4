"""Errors: a page for browsers, one line for all other clients."""

import pytest

from exporter import __version__
from tests.support.http_site import Site, site

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def asked(
    here: Site, method: str, path: str, **headers: str
) -> tuple[int, str, dict[str, str]]:
    url = f"http://{here.host}:{here.port}{path}"
    async with here.http.request(method, url, headers=headers) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "status", "line", "root"),
    [
        ("GET", "/nowhere", 404, "404: Not Found; the start page is /", "./"),
        ("GET", "/a/b/c", 404, "404: Not Found; the start page is /", "../../"),
        ("GET", "/trips/nonsense", 404, "404: Not Found", "../"),
        ("GET", "/trips?probe=nope", 404, "no probe", "./"),
        ("GET", "/probe", 400, "parameter module is missing", "./"),
        ("GET", "/probe?module=submission&target=a@example.com", 403, "not allowed", "./"),
        ("GET", "/lookup", 403, "--web.enable-admin-api", "./"),
        ("POST", "/trips", 403, "--web.enable-admin-api", "./"),
        ("POST", "/metrics", 405, "use GET or HEAD", "./"),
        ("DELETE", "/-/healthy", 405, "use GET or HEAD", "../"),
    ],
)
async def test_a_browser_gets_each_error_as_a_page_that_leads_home(
    method: str, path: str, status: int, line: str, root: str
) -> None:
    async with site() as here:
        got, shown, headers = await asked(here, method, path, Accept=BROWSER)
        assert got == status
        assert shown.startswith("<!DOCTYPE html>")
        assert line in shown
        assert f'<a href="{root}">All probes</a>' in shown
        assert f'href="{root.removeprefix("./")}style.css?' in shown
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Server"] == "mailtrip"

        got, shown, plain = await asked(here, method, path, Accept="*/*")
        assert got == status
        assert line in shown
        assert (shown.count("\n"), "<" in shown) == (1, False)
        assert plain["Content-Type"].startswith("text/plain")
        assert plain["Cache-Control"] == "no-store"
        assert plain["X-Content-Type-Options"] == "nosniff"
        assert headers.get("Allow") == plain.get("Allow")
        assert ("Allow" in headers) == (status == 405)


async def test_an_error_of_the_api_stays_json_for_a_browser() -> None:
    async with site() as here:
        _, shown, headers = await asked(here, "GET", "/api/v1/nowhere", Accept=BROWSER)
    assert headers["Content-Type"].startswith("application/json")
    assert '"error": "not_found"' in shown


async def test_a_head_request_for_nothing_has_no_body() -> None:
    async with site() as here:
        got, shown, headers = await asked(here, "HEAD", "/nowhere", Accept=BROWSER)
    assert (got, shown) == (404, "")
    assert headers["Content-Type"].startswith("text/html")


async def test_strangers_get_a_page_without_the_version_and_no_markup_of_theirs() -> None:
    async with site() as here:
        evil = {"Origin": "https://evil.test", "Accept": BROWSER}
        got, shown, _ = await asked(here, "POST", "/trips", **evil)
        assert got == 403
        assert "refused: the request came from" in shown
        assert shown.startswith("<!DOCTYPE html>")
        assert __version__ not in shown
        query = "/trips?probe=%3Cscript%3Ealert(1)%3C/script%3E"
        _, shown, _ = await asked(here, "GET", query, Accept=BROWSER)
        assert "&lt;script&gt;alert(1)" in shown
        assert "<script" not in shown
