"""Every link inside the project leads to a file, and to a heading if it names one; on the site,
too."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import yaml

from docs import pages
from tests.support.tree import ROOT, files

LINK = re.compile(r"\]\((?!\w+:)([^)\s]+)\)|^\[[^\]]+\]: (?!\w+:)(\S+)", re.MULTILINE)
IMAGE_OF_HTML = re.compile(r'<img [^>]*src="(?!\w+:)([^"]+)"')
FENCED = re.compile(r"^( *)(```|~~~).*?^\1\2", re.MULTILINE | re.DOTALL)


def markdown() -> list[Path]:
    return [file for file in files() if file.suffix == ".md"]


@cache
def prose(file: Path) -> str:
    """Without examples."""
    return FENCED.sub("", file.read_text(encoding="utf-8"))


@cache
def anchors(file: Path) -> set[str]:
    """As the hosting service and the site make them of headings: lower case, no signs, a dash for a
    blank, and a number where there is one already."""
    found: dict[str, int] = {}
    made = set()
    for title in re.findall(r"^#+ (.+?)(?: #+)?$", prose(file), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = found[anchor] = found.get(anchor, -1) + 1
        made.add(f"{anchor}-{number}" if number else anchor)
    return made | set(re.findall(r'<a (?:id|name)="([^"]+)"', prose(file)))


def broken(file: Path) -> Iterator[str]:
    text = re.sub(r"`[^`\n]*`", "", prose(file))
    links = [one or other for one, other in LINK.findall(text)] + IMAGE_OF_HTML.findall(text)
    for link in links:
        place, _, anchor = unquote(link).partition("#")
        target = (file.parent / place).resolve() if place else file
        if not target.exists():
            yield f"{file.relative_to(ROOT)}: no file {link}"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            yield f"{file.relative_to(ROOT)}: no heading {link}"


def test_every_link_and_anchor_leads_somewhere() -> None:
    complaints = [complaint for file in markdown() for complaint in broken(file)]
    assert not complaints, "\n".join(["", *complaints])


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One `thing`, here\n[a](#one-thing-here) [b](#two) [c](page.md)\n")
    assert anchors(page) == {"one-thing-here"}
    text = prose(page)
    assert LINK.findall(text) == [("#one-thing-here", ""), ("#two", ""), ("page.md", "")]
    assert "two" not in anchors(page)


def names_in(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, list):
        for one in nav:
            yield from names_in(one)
    elif isinstance(nav, dict):
        for one in nav.values():
            yield from names_in(one)


class _Site(yaml.SafeLoader):
    """Leaves alone what mkdocs would import."""


_Site.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    site = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), _Site)
    named = list(names_in(site["nav"]))
    expected = {file.name for file in ROOT.glob("docs/*.md")} | set(pages.BESIDE.values())
    assert sorted(named) == sorted(expected)


def test_the_readme_names_every_page_in_the_order_of_the_site() -> None:
    """The folder is alphabetical; who reads it there needs the order, too."""
    site = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), _Site)
    index = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Documentation\n")[2]
    links = re.findall(r"\]\(([^)#]+\.md)\)", index)
    places = [pages.BESIDE.get(link, link.removeprefix("docs/")) for link in links]
    ordered = [name for name in names_in(site["nav"]) if name not in ("index.md", "glossary.md")]
    assert [place for place in places if place != "glossary.md"] == ordered
    assert "glossary.md" in places


def test_the_links_of_alerts_and_pages_lead_to_pages_of_the_site() -> None:
    assert pages.address_on_site("alerts.md") == "alerts.md/index.html"
    assert pages.address_on_site("index.md") == "index.html"


def test_links_on_the_site_lead_to_pages_or_to_the_repository() -> None:
    def on_site(text: str, name: str) -> str:
        return pages.as_on_site(text, name, "https://source.example/")

    assert on_site("[a](docs/cli.md#x)", "index.md") == "[a](cli.md#x)"
    assert on_site("[a](../README.md)", "cli.md") == "[a](index.md)"
    assert on_site("[a](../docs/alerts.md)", "dashboards.md") == "[a](alerts.md)"
    assert (
        on_site("[a](frame.py)", "dashboards.md")
        == "[a](https://source.example/dashboards/frame.py)"
    )
    assert on_site("![a](docs/trip.png)", "index.md") == "![a](trip.png)"
    assert on_site("[![a](docs/a.svg)](docs/a.svg)", "index.md") == "[![a](a.svg)](a.svg)"
    assert on_site("[a](examples)", "index.md") == "[a](https://source.example/examples)"
    assert on_site("[a](#here) [b](https://a.example/)", "cli.md") == (
        "[a](#here) [b](https://a.example/)"
    )
