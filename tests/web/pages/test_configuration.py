"""The page with the configuration."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config.mistakes import Path as Place
from exporter.config.schema import json_schema, keys_at
from exporter.settings import Settings
from exporter.web.pages.configuration import MOST_LINES, ConfigurationPage
from tests.support.http_site import site
from tests.support.pauses import with_pauses
from tests.web.test_pages import FAILED, KEY, kept

ODD = Settings.parse(
    """
mailboxes:
  '10': {imap: {host: imap.example.org, username: me, password: hunter2hunter2}}
  files: {maildir: {path: '/var/mail/<script>alert(1)</script> & "b"'}}
modules:
  yes: {roundtrip: {from: p@example.org, send: {smtp: {host: mx}}, mailbox: '10', subject: "SUBJECT {token}"}}
  files: {roundtrip: {from: p@example.org, send: {smtp: {host: mx}}, mailbox: files}}
probes:
  - {name: files, module: yes, target: a@example.org}
  - {name: no, module: files, target: b@example.org}
""".replace("SUBJECT", f"- name: {'long ' * 30}: ").encode(),  # noqa: E501
    "test.yml",
)
EXPLAINED = Path(__file__).resolve().parents[3] / "examples/explained.yml"
SECTIONS = ["mailboxes", "modules", "probes"]


def text_of(page: str) -> str:
    """What a browser shows of the configuration."""
    pre = page.partition("<pre>\n")[2].partition("</pre>")[0]
    return unescape(re.sub(r"</?b\b[^>]*>", "", pre))


def anchors_of(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<b id="([^"]*)">([^<]*)</b>', page)


async def test_it_is_a_page_for_browsers_and_text_for_all_others() -> None:
    async with site() as here:
        url = f"http://{here.host}:{here.port}/config"
        answers = {}
        for accept, query in (("text/html,*/*", ""), ("*/*", ""), ("text/html", "?format=text")):
            async with here.http.get(url + query, headers={"Accept": accept}) as answer:
                assert answer.status == 200
                assert answer.headers["Vary"] == "Accept, Accept-Encoding"
                answers[accept] = (answer.content_type, await answer.text())
        kind, page = answers["text/html,*/*"]
        assert kind == "text/html"
        assert answers["*/*"] == answers["text/html"]
        kind, text = answers["*/*"]
        assert kind == "text/plain"
        assert text_of(page) == text
        assert 'href="config?format=text"' in page
        await kept(here, FAILED)
        trips = (await here.get(f"/trips?module={KEY.module}&target={KEY.target}"))[1]
        (anchor,) = re.findall('href="config#([^"]+)"', trips)
        assert anchor == "module-submission"
        assert (anchor, "  submission:") in anchors_of(page)
        anchors = re.findall('href="config#([^"]+)"', (await here.get("/trips?probe=named"))[1])
        assert anchors == ["module-private", "probe-named"]
        assert {*anchors} < {anchor for anchor, _ in anchors_of(page)}


async def test_each_mailbox_module_and_probe_has_an_anchor_and_no_secret_is_shown() -> None:
    async with site() as here:
        page = await here.pages.configuration(ODD, ODD.shown())
    assert text_of(page) == ODD.shown()
    assert anchors_of(page) == [
        ("mailboxes", "mailboxes:"),
        ("mailbox-10", "  &#39;10&#39;:"),
        ("mailbox-files", "  files:"),
        ("modules", "modules:"),
        ("module-yes", "  &#39;yes&#39;:"),
        ("module-files", "  files:"),
        ("probes", "probes:"),
        ("probe-files", "- name: files"),
        ("probe-no", "- name: &#39;no&#39;"),
    ]
    assert "<script" not in page
    assert "hunter2" not in page
    assert "password: &lt;secret&gt;" in page
    for link in ("#mailbox-10", "#mailbox-files", "#module-yes", "#module-files"):
        assert f'<a href="{link}">' in page


@pytest.mark.slow
async def test_ten_thousand_probes_take_no_long_turn() -> None:
    one = ODD.probes[0]
    probes = [one.model_copy(update={"name": f"p{number}"}) for number in range(10_000)]
    many = ODD.model_copy(update={"probes": probes})
    async with site() as here:
        shown = many.shown()
        page, pauses = with_pauses(here.pages.configuration(many, shown))
    assert text_of(page) == shown
    assert len(anchors_of(page)) == 10_000 + 4 + len(SECTIONS)
    assert pauses > 100


def test_many_modules_are_not_all_in_the_contents() -> None:
    module = ODD.modules["files"]
    many = ODD.model_copy(update={"modules": {f"m{number}": module for number in range(300)}})
    page = ConfigurationPage(many, many.shown())
    assert len(page.modules) == 100
    assert page.more == {"mailboxes": 0, "modules": 200}
    assert max(part.rest.count("\n") for part in page.parts) == MOST_LINES
    assert sum(part.anchor.startswith("module-") for part in page.parts) == 300


def test_its_keys_are_in_the_order_of_the_documentation() -> None:
    schema = json_schema(Settings)
    settings = Settings.parse(EXPLAINED.read_bytes(), EXPLAINED.name)
    compared = []

    def compare(written: Any, place: Place) -> None:
        if isinstance(written, dict):
            if known := keys_at(schema, place):
                compared.append(place)
                assert list(written) == [key for key in known if key in written], place
            for key, value in written.items():
                compare(value, (*place, key))
        elif isinstance(written, list):
            for number, value in enumerate(written):
                compare(value, (*place, number))

    compare(yaml.safe_load(settings.shown()), ())
    assert len(compared) > 20
