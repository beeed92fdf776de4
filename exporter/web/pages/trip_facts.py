"""The facts of one trip, in words."""

from exporter.core.facts import Authentication, Changes, Hop, SenderCheck
from exporter.core.facts_in_words import facts_in_words
from exporter.core.model import ExchangerVisit, Listing, Outcome
from exporter.web.pages.styles import BAD, GOOD
from exporter.web.pages.time_zone import TimeZone

_ELSEWHERE = Changes, ExchangerVisit, Hop, Listing
"""Facts in a table or a drawing of their own. There may be thousands of listings."""

_RESULTS = Authentication, SenderCheck
_STYLES = {"pass": GOOD, "fail": BAD, "softfail": BAD, "temperror": BAD, "permerror": BAD}
"""Of the results of authentication; others say nothing for or against the sender."""


def details(outcome: Outcome, zone: TimeZone) -> list[tuple[str, tuple[str, ...], str]]:
    """A name, a text in parts, and its style."""
    facts = [fact for fact in outcome.facts if not isinstance(fact, _ELSEWHERE)]
    return [
        (
            row.name,
            zone.parts(row.words),
            _STYLES.get(row.fact.result, "") if isinstance(row.fact, _RESULTS) else "",
        )
        for row in facts_in_words(facts)
    ]
