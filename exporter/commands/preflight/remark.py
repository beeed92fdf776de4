"""Remarks: risks that may become failures when a message is sent."""

from dataclasses import dataclass
from enum import StrEnum


class Risk(StrEnum):
    """Possible obstacles to mail, though nothing has failed."""

    HIDDEN = "hidden"  # the address is translated (NAT), and the result is not visible here
    NAMELESS = "nameless"  # no PTR record
    MISNAMED = "misnamed"  # a PTR record, whose name does not lead back
    GREETS_UNKNOWN = "greets_unknown"  # EHLO says a name that does not exist
    GREETS_BARE = "greets_bare"  # the EHLO name is an address, because there is no name
    UNANSWERED = "unanswered"  # DNS does not answer
    PASSED_OVER = "passed_over"  # an exchanger could not be reached, another one could
    BLOCKED = "blocked"  # no server can be reached on port 25
    RATIONED = "rationed"  # a mailbox may not be polled often enough
    NO_WAY_HERE = "no_way_here"  # no MX record points to mailtrip's receiver
    UNSEEN = "unseen"  # DNS does not say what leads to it
    LEADS_ELSEWHERE = "leads_elsewhere"  # DNS leads to other machines than this one
    OTHER_PORT = "other_port"  # DNS leads here, and the receiver does not listen on port 25
    PLAINTEXT = "plaintext"  # TLS with an exchanger is broken, and mail goes to it in plain text
    ONE_FAILS = "one_fails"  # an exchanger that is tested with others
    # No exchanger can be reached, but others can, so the network is not to blame.
    ALL_DOWN = "all_down"


@dataclass(frozen=True, slots=True)
class Remark:
    """A risk, and what it is about: an address, a name, servers."""

    risk: Risk
    about: str
    more: str = ""
