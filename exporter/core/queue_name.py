"""The name of a message in a server's queue, from its final reply: what to search its log for."""

import re

_KNOWN = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"queued as (?P<name>[\w.-]+)",  # Postfix; Amavis and others that repeat its reply
        r"\bOK id=(?P<name>[\w-]+)",  # Exim
        r"\b2\.0\.0 (?P<name>[\w-]+) message accepted for delivery",  # Sendmail, OpenSMTPD
        r"\[InternalId=(?P<name>\d+)",  # Exchange
        r"\bOK +\d+ (?P<name>[\w.-]+) - gsmtp",  # Gmail
        r"\bqueued \((?P<name>[\w.-]+)\)",  # Haraka
        r"\b2\.0\.0 <[^<>]*> (?P<name>[\w/+=:-]+) Saved",  # Dovecot's session (LMTP)
        r"\bSESSIONID=<(?P<name>[\w.-]+)>",  # Cyrus's (LMTP)
        r"\bok \d+ (?P<name>qp \d+)",  # qmail
    )
]


def queue_name(reply: str) -> str:
    """Empty if the reply has none that we know."""
    for pattern in _KNOWN:
        if found := pattern.search(reply):
            return found["name"].rstrip(".")
    return ""
