"""Look-ups on blocklists, as the API describes them."""

from collections.abc import Iterator
from typing import Any

from exporter.blocklists import Past, SubjectAnswers
from exporter.core.model import Listing, ListState
from exporter.web.api.fields import Fields, text_of
from exporter.web.api.frame import Reply
from exporter.web.lookups_now import LookupNow, LookupsNow


class LookupRequests:
    """Answers requests for a look-up of an address, a domain or a host (`what`)."""

    def __init__(self, lookups: LookupsNow) -> None:
        self._lookups = lookups

    async def post(self, fields: Fields) -> Reply:
        return Reply(_described(await self._lookups.run(text_of(fields, "what"))))


def _described(now: LookupNow) -> dict[str, Any]:
    lookup = now.lookup
    return {
        "what": lookup.what.text,
        "state": lookup.state,
        "at": now.at,
        "configured": now.configured,
        "problems": [*lookup.problems],
        "notes": [*lookup.notes],
        "past_since": now.since,
        "past_trouble": now.trouble or None,
        "subjects": [*_subjects(now)],
    }


def _subjects(now: LookupNow) -> Iterator[dict[str, Any]]:
    for one in now.lookup.answers:
        text = one.subject.text
        yield {
            "subject": text,
            "kind": one.subject.kind,
            "origin": one.origin or None,
            "state": one.state,
            "probes": [
                {"module": probe.key.module, "target": probe.key.target}
                for probe in now.probes.get(text, ())
            ],
            "answers": [*_answers(one, now)],
        }


def _answers(about: SubjectAnswers, now: LookupNow) -> Iterator[dict[str, Any]]:
    for one in about.listings:
        past = now.past.get((one.subject, one.blocklist))
        yield _answer(one) | {"past": past and _past(past)}


def _answer(listing: Listing) -> dict[str, Any]:
    unknown = listing.state is ListState.UNKNOWN
    return {
        "blocklist": listing.blocklist,
        "state": listing.state,
        "codes": [*listing.codes],
        "meanings": [*listing.meanings],
        "reason": None if unknown else listing.text or None,
        "trouble": listing.text if unknown else None,
        "alarming": listing.alarming,
        "severity": listing.severity,
        "delisting": listing.delisting or None,
    }


def _past(past: Past) -> dict[str, Any]:
    return {
        "checks": past.checks,
        "answered": past.answered,
        "trouble": past.trouble or None,
        "listed": [
            {"after": one.after, "first": one.first, "last": one.last, "until": one.until}
            for one in past.periods
        ],
    }
