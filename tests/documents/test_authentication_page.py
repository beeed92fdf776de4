"""docs/authentication.md has the limits of the program."""

import re
from pathlib import Path

from exporter.authentication import LONGEST, arc, dkim, dmarc, iprev, key, lookups, wire
from exporter.authentication.spf import evaluation, record
from exporter.mailboxes.session import READ_LIMIT
from exporter.net.signatures import public_key as signatures

ROOT = Path(__file__).resolve().parents[2]

LIMITS = {
    "time for one message, at most `session_timeout`": f"{LONGEST:g} s",
    "DNS queries for one message": lookups.MOST_QUERIES,
    "SPF: terms that need the DNS": evaluation.MOST_TERMS,
    "SPF: queries without a record": evaluation.MOST_VOID,
    "SPF: MX records of a domain": evaluation.MOST_EXCHANGERS,
    "SPF: names of a client": evaluation.MOST_NAMES,
    "SPF: length of a record": f"{record.LONGEST:,} characters",
    "DKIM: signatures that are checked, the topmost first": dkim.MOST_SIGNATURES,
    "DKIM, ARC: size of an RSA key": f"{signatures.LEAST_BITS:,} to {signatures.MOST_BITS:,} bits",
    "DKIM, ARC: exponent of an RSA key": f"{key.MOST_EXPONENT_BITS} bits",
    "ARC: sets that are checked": arc.MOST_CHECKED,
    "DMARC: names of a tree walk": dmarc.MOST_LABELS,
    "`iprev`: names of a client": iprev.MOST_NAMES,
    "header fields of a message": f"{wire.MOST_FIELDS:,}",
    "bytes of a message that are read": f"{READ_LIMIT:,}",
    "length of `From`": f"{dmarc.LONGEST_FROM:,} characters",
}


def test_the_page_has_the_limits_of_the_program() -> None:
    page = (ROOT / "docs/authentication.md").read_text(encoding="utf-8")
    section = page.partition("\n## Limits\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", section, re.MULTILINE)[1:]
    assert dict(rows) == {what: str(limit) for what, limit in LIMITS.items()}


def test_the_page_says_how_far_clocks_may_differ() -> None:
    page = (ROOT / "docs/authentication.md").read_text(encoding="utf-8")
    assert f"{dkim.CLOCK_SKEW} s are allowed for clocks that differ" in page
