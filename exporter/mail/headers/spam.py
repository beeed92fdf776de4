"""Spam scores of scanners, each on its own scale.

They are not signed, and may be anywhere: at the top, or at the end, where milters append. A
receiver replaces external ones. The topmost of each name counts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from exporter.core.facts import SpamScore
from exporter.mail.headers.receiver import Header

SCANNERS = ("rspamd", "spamassassin", "amavis", "stalwart", "microsoft", "barracuda", "other")
MAX_LENGTH = 4096  # characters of a header that are read

_NUMBER = r"([+-]?\d{1,6}(?:\.\d{1,6})?)(?![\w.])"
_PLAIN = re.compile(rf"\A\s*{_NUMBER}", re.ASCII)
# `hits`: before 3.0.
_STATUS = re.compile(rf"\b(?:score|hits)\s*=\s*{_NUMBER}", re.IGNORECASE | re.ASCII)
# Default: False [1.20 / 15.00]; SYMBOL(0.10)[…].
_RSPAMD = re.compile(rf"\[\s*{_NUMBER}\s*/", re.ASCII)
_CONFIDENCE = re.compile(r"(?:^|;)\s*SCL:(-?\d)(?!\d)", re.IGNORECASE | re.ASCII)
_LEVEL = re.compile(r"\A\s*(-?\d)\s*\Z", re.ASCII)
_BAR = re.compile(r"\s*(\++|-+|/)\s*")

_FORMS = (
    ("rspamd", "x-spamd-result", _RSPAMD),
    ("rspamd", "x-rspamd-score", _PLAIN),
    ("microsoft", "x-ms-exchange-organization-scl", _LEVEL),
    ("microsoft", "x-forefront-antispam-report", _CONFIDENCE),
    ("barracuda", "x-barracuda-spam-score", _PLAIN),
    ("barracuda", "x-barracuda-spam-status", _STATUS),
)
_SHARED = (("x-spam-status", _STATUS), ("x-spam-score", _PLAIN))
"""Headers that several scanners write. Exim puts into X-Spam-Score what rspamd or SpamAssassin has
told it."""


def spam_scores(headers: Sequence[Header]) -> list[SpamScore]:
    """One score for each scanner found, in the order of SCANNERS."""
    topmost: dict[str, str] = {}
    for name, value in headers:
        topmost.setdefault(name.lower(), value[:MAX_LENGTH])
    found: dict[str, float] = {}
    for scanner, score in _raw_scores(topmost):
        found.setdefault(scanner, score)
    return [SpamScore(scanner, found[scanner]) for scanner in SCANNERS if scanner in found]


def _raw_scores(headers: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    """The scores, the most precise first."""
    for scanner, name, form in _FORMS:
        if match := form.search(headers.get(name, "")):
            yield scanner, float(match[1])
    for name, form in _SHARED:
        if match := form.search(headers.get(name, "")):
            yield _author(headers), float(match[1])
    if bar := _BAR.fullmatch(headers.get("x-spamd-bar", headers.get("x-rspamd-bar", ""))):
        # Whole points; `/` is less than one.
        yield ("rspamd", float(bar[1].count("+") - bar[1].count("-")))


def _author(headers: Mapping[str, str]) -> str:
    """The scanner that wrote X-Spam-Status or X-Spam-Score, recognised by its other content."""
    status = headers.get("x-spam-status", "").lower()
    if "tagged_above=" in status or "amavis" in headers.get("x-virus-scanned", "").lower():
        return "amavis"
    if "autolearn=" in status or "version=" in status or "x-spam-checker-version" in headers:
        return "spamassassin"
    if "x-spam-result" in headers:
        return "stalwart"
    written_by_rspamd = any(name.startswith(("x-rspamd-", "x-spamd-")) for name in headers)
    return "rspamd" if written_by_rspamd else "other"
