"""What all pages have in common: the style, the icons, and the templates with their filters."""

from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from exporter.core.availability.account_output import percent
from exporter.core.timing.durations import duration
from exporter.web.pages.axis import round_time
from exporter.web.pages.documentation import PUBLISHED, Documentation, runbook_of
from exporter.web.pages.links import linked
from exporter.web.pages.time_zone import TimeZone

HERE = Path(__file__).resolve().parent
STYLE = (HERE / "style.css").read_text(encoding="utf-8")
ICONS = {
    name: (HERE / name).read_text(encoding="utf-8") for name in ("icon.svg", "icon-failing.svg")
}
"""Of a tab: red and round if the start page in it says that probes fail."""
STYLE_VERSION = sha256(STYLE.encode()).hexdigest()[:12]


@cache
def templates(zone: TimeZone, documentation: Documentation = PUBLISHED) -> Environment:
    """The templates, compiled before anybody waits for a page. They write times in this zone, and
    lead to this documentation."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "duration": duration,
        "moment": zone.moment,
        "linked": linked,
        "round_time": round_time,
        "runbook": runbook_of,
        "percent": percent,
        "time": zone.time_of_day,
        "segment": partial(quote, safe=""),
    }
    made.globals |= {"zone": str(zone), "documented": documentation.link}
    for name in made.list_templates():
        made.get_template(name)
    return made
