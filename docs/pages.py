"""Which pages outside of docs/ belong to the documentation site, and where links lead there.

mkdocs loads it as a hook. A link to a file that is no page leads to the repository.
"""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BESIDE = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting.md",
    "dashboards/README.md": "dashboards.md",
    "mixin/README.md": "mixin.md",
    "charts/mailtrip/README.md": "helm.md",
}
"""By its place in the project, its name on the site."""
NAMES = {name: place for place, name in BESIDE.items()}
LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)(?=[)#])")


def on_files(files: Any, config: Any) -> Any:
    from mkdocs.structure.files import File

    for place, name in BESIDE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / place)))
    for page in files.documentation_pages():
        page.dest_uri = address_on_site(page.src_uri)
    return files


def address_on_site(name: str) -> str:
    """The file of a page on the site. `/alerts.md#heading` leads to it, as in a repository: so do
    the links of alerts and of mailtrip's own pages."""
    return "index.html" if name == "index.md" else f"{name}/index.html"


def on_page_markdown(markdown: str, page: Any, config: Mapping[str, Any], **_: Any) -> str:
    return as_on_site(markdown, page.file.src_uri, config["repo_url"])


def as_on_site(markdown: str, name: str, repository: str) -> str:
    """The text of a page with links that lead somewhere on the site, too."""
    folder = PurePosixPath(NAMES.get(name, f"docs/{name}")).parent

    def target(match: re.Match[str]) -> str:
        place = normpath(folder / match[1])
        if place in BESIDE:
            return BESIDE[place]
        return place.removeprefix("docs/") if _is_on_site(place) else f"{repository}{place}"

    return LINK.sub(target, markdown)


def _is_on_site(place: str) -> bool:
    return place.startswith("docs/") and place.endswith((".md", ".png", ".svg"))
