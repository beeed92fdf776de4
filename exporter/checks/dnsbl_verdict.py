"""Derives the trip's result from the answers of blocklists."""

from exporter.blocklists.names import Subject
from exporter.core.model import Listing, ListState, ProbeError
from exporter.core.reasons import Reason

_SEVERITIES = ("high", "medium", "low")


def listed(listings: list[Listing]) -> ProbeError:
    """The error for these listings; the most important lists come first, since a long line is
    cut."""
    ordered = sorted(
        listings,
        key=lambda one: _SEVERITIES.index(one.severity) if one.severity in _SEVERITIES else 9,
    )
    by_subject: dict[str, list[str]] = {}
    for one in ordered:
        by_subject.setdefault(one.subject, []).append(f"{one.blocklist} ({' '.join(one.codes)})")
    detail = "; ".join(
        f"{subject} is listed on {', '.join(lists)}" for subject, lists in by_subject.items()
    )
    return ProbeError(Reason.LISTED, detail, code=next(iter(ordered[0].codes), ""))


def require_an_answer(listings: list[Listing], subjects: list[Subject]) -> None:
    """Requires an answer from at least one list, one that blocks if there is any. No answer does
    not mean clean."""
    if not listings:
        about = ", ".join(subject.text for subject in subjects)
        raise ProbeError(Reason.UNUSABLE, f"no list can be queried for {about}")
    judges = [one for one in listings if one.alarming] or listings
    if all(one.state is ListState.UNKNOWN for one in judges):
        why = dict.fromkeys(f"{one.blocklist}: {one.text}" for one in judges)
        raise ProbeError(Reason.UNUSABLE, f"no list could be queried: {'; '.join(why)}")
