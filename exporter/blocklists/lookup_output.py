"""A look-up for scripts, as the API and `mailtrip lookup --json` describe it."""

from typing import Any

from exporter.blocklists.lookup import Lookup, SubjectAnswers
from exporter.core.model import Listing, ListState


def described(lookup: Lookup) -> dict[str, Any]:
    """What was looked up, and what all lists say about it."""
    return {
        "what": lookup.what.text,
        "state": lookup.state,
        "problems": [*lookup.problems],
        "notes": [*lookup.notes],
        "resolver": lookup.resolver or None,
        "subjects": [_subject(one) for one in lookup.answers],
    }


def _subject(about: SubjectAnswers) -> dict[str, Any]:
    return {
        "subject": about.subject.text,
        "kind": about.subject.kind,
        "origin": about.origin or None,
        "state": about.state,
        "answers": [_answer(one) for one in about.listings],
    }


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
