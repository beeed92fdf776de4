"""Filters that have stopped: what they should keep out is let through."""

from collections.abc import Mapping
from typing import Any

from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from tests.atlas.table import Fault, Known, Make, Verdict, given
from tests.lab.facts import VICTIM

UNFILTERED = {
    "host": "<mx>",
    "port": 10027,
    "tls": "none",
    **dict.fromkeys(("ca_file", "username", "password")),
}
"""A port of the real exchanger that asks no filter."""


def let_through(phase: Phase, leg: Leg, payload: str = "") -> Verdict:
    return Verdict(phase, None, Reason.ACCEPTED, payload, leg)


def trial(payload: str, expect: Mapping[str, Any], to: str = "<user>@lab.test") -> Make:
    trip = {"payload": payload, "expect": expect, "to": to}
    if to == VICTIM:
        return given(roundtrip=trip, smtp=UNFILTERED, imap={"username": to.partition("@")[0]})
    return given(roundtrip=trip, smtp=UNFILTERED)


FILTERS = (
    Fault(
        "The spam filter no longer refuses spam",
        "`gtube`, and a real exchanger that asks no filter",
        let_through(Phase.SEND, Leg.SEND, "gtube"),
        Known.NEWS,
        "whether the filter runs, and the mail server asks it",
        trial("gtube", {"code": 554}),
    ),
    Fault(
        "The spam filter no longer marks spam",
        "`gtube`, and a real exchanger that asks no filter; the message is in the inbox",
        let_through(Phase.VERIFY, Leg.DELIVERY, "gtube"),
        Known.NEWS,
        "the headers of the message; whether a rule sorts what the filter marks",
        trial("gtube", {"junk": True}),
    ),
    Fault(
        "The virus scanner no longer discards viruses",
        "`eicar`, and a real exchanger that asks no filter",
        let_through(Phase.VERIFY, Leg.DELIVERY, "eicar"),
        Known.NEWS,
        "whether the scanner runs and has signatures",
        trial("eicar", {"lost": True}),
    ),
    Fault(
        "Forged senders are no longer refused",
        "`forged_from`, and a real exchanger that checks no DMARC",
        let_through(Phase.SEND, Leg.SEND, "forged_from"),
        Known.NEWS,
        "the DMARC policy of the recipient's domain, and who acts on it",
        trial("forged_from", {"code": 554}, VICTIM),
    ),
    Fault(
        "Forbidden attachments are no longer refused",
        "`blocked_attachment`, and a real exchanger that looks at no attachments",
        let_through(Phase.SEND, Leg.SEND, "blocked_attachment"),
        Known.NEWS,
        "the list of forbidden names; whether the message passes that server",
        trial("blocked_attachment", {"code": 550}),
    ),
    Fault(
        "A relay is open",
        "a real relay that accepts mail from any client for any recipient",
        let_through(Phase.SEND, Leg.SEND),
        Known.AT_ONCE,
        "which clients the relay trusts: Postfix `mynetworks`; close it, before it is listed",
        given(
            roundtrip={"expect": {"code": 554}, "mailbox": None, "to": "blackhole@lab.test"},
            smtp={"port": 25, "tls": "none", **dict.fromkeys(("ca_file", "username", "password"))},
        ),
    ),
)
