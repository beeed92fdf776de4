"""The status page: the probes, whether they work, and what broke, in words."""

import time
from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode

from exporter import __version__
from exporter.model import Asked, Listing, ListState, Outcome
from exporter.prober import Probe

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mailtrip</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 70rem; margin: 2rem auto; padding: 0 1rem }}
.scroll {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; vertical-align: top }}
.good {{ color: light-dark(#116329, #4ac26b) }}
.bad {{ color: light-dark(#b3261e, #ff8a80) }}
.none {{ opacity: .7 }}
</style>
<h1>mailtrip</h1>
<p>E-mail round-trip exporter {version}. Prometheus reads <a href="metrics">/metrics</a> and /probe.</p>
<div class="scroll">
<table>
<tr><th>probe<th>module<th>target<th>newest trip<th>finished (UTC)<th>under way</tr>
{rows}
</table>
</div>
</html>
"""


def status_page(probes: Iterable[Probe]) -> str:
    """The whole page."""
    rows = "\n".join(_row(probe) for probe in probes)
    return _PAGE.format(version=__version__, rows=rows or '<tr><td colspan="6">There are no probes yet.</tr>')


def _row(probe: Probe) -> str:
    module, target = probe.key.module, probe.key.target
    link = "probe?" + urlencode({"module": module, "target": target})
    name = f'<a href="{escape(f"{link}&debug=true")}">{escape(probe.name or "(by Prometheus)")}</a>'
    cells = [name, escape(module), escape(target), *_newest(probe.newest), str(len(probe.flights) or "")]
    return "<tr>" + "".join(f"<td>{cell}" for cell in cells) + "</tr>"


def _newest(outcome: Outcome | None) -> tuple[str, str]:
    if outcome is None:
        return '<span class="none">none has finished yet</span>', ""
    finished = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(outcome.finished_at))
    verdict, text = ("bad", str(outcome.failure)) if outcome.failure else ("good", _in_words(outcome))
    word = "failed" if outcome.failure else "good"
    return f'<span class="{verdict}">{word}</span> {escape(text)}{_silent(outcome)}', finished


def _in_words(outcome: Outcome) -> str:
    """What a success means: the message is back, or nobody lists the target."""
    listings = [fact for fact in outcome.facts if isinstance(fact, Listing)]
    if not listings:
        return f"back after {outcome.duration:.2f} s"
    asked = {one.blocklist for one in listings if one.alarming and one.state is not ListState.UNKNOWN}
    return f"on none of {len(asked)} blocklists"


def _silent(outcome: Outcome) -> str:
    """The blocklists that are not believed, or had no answer, and why: a line each."""
    why = {fact.blocklist: fact.why for fact in outcome.facts if isinstance(fact, Asked) and not fact.usable}
    for fact in outcome.facts:
        if isinstance(fact, Listing) and fact.state is ListState.UNKNOWN:
            why.setdefault(fact.blocklist, fact.text)
    lines = (f"{name} is unusable: {text}" for name, text in why.items())
    return "".join(f'<br><span class="none">{escape(line)}</span>' for line in lines)
