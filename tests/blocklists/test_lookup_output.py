"""A look-up for scripts."""

from exporter.blocklists.lookup import Lookup, SubjectAnswers
from exporter.blocklists.lookup_output import described
from exporter.blocklists.names import Subject
from exporter.core.model import Listing, ListState

ADDRESS = Subject.of("192.0.2.1")


def test_a_listing_has_a_reason_and_what_is_unknown_a_trouble() -> None:
    listings = (
        Listing("a", ADDRESS.text, ListState.LISTED, ("127.0.0.2",), ("spam",), "see a.example"),
        Listing("b", ADDRESS.text, ListState.UNKNOWN, text="no answer in time"),
        Listing("c", ADDRESS.text, ListState.CLEAN),
    )
    lookup = Lookup(ADDRESS, (SubjectAnswers(ADDRESS, "", listings),), ("x is hidden",))
    found = described(lookup)
    assert (found["what"], found["state"], found["resolver"]) == ("192.0.2.1", "listed", None)
    assert (found["problems"], found["notes"]) == (["x is hidden"], [])
    (subject,) = found["subjects"]
    assert (subject["kind"], subject["origin"], subject["state"]) == ("ipv4", None, "listed")
    assert [(one["reason"], one["trouble"]) for one in subject["answers"]] == [
        ("see a.example", None),
        (None, "no answer in time"),
        (None, None),
    ]
    assert [one["state"] for one in subject["answers"]] == ["listed", "unknown", "clean"]
    assert subject["answers"][0]["codes"] == ["127.0.0.2"]
    assert subject["answers"][0]["delisting"] is None
