"""A blocklist to query: its zone, and the meaning of its answers."""

import re
from dataclasses import dataclass
from typing import Literal

from exporter.blocklists.names import TESTS, Subject, SubjectKind
from exporter.config.types import Secret

Kind = Literal["block", "allow", "info"]
Severity = Literal["high", "medium", "low"]

KEY = "{key}"


@dataclass(frozen=True, slots=True)
class Blocklist:
    """One list. Modules with the same entry have equal lists, and share their answers."""

    name: str
    """What it is called everywhere: never holds a secret."""
    kind: Kind = "block"
    """Only `block` is bad news; `allow` lists the good ones, and `info` is a fact."""
    subjects: frozenset[SubjectKind] = frozenset({SubjectKind.IPV4})
    """What it is asked about."""
    severity: Severity = "medium"
    delisting: str = ""
    """The page that tells how to get off it."""
    codes: tuple[tuple[str, str], ...] = ()
    """What an A record means; `*` stands for any octet. Empty: any of 127.0.0.0/8 that is no
    refusal is a listing."""
    bits: tuple[tuple[int, str], ...] = ()
    """What each bit of the last octet means."""
    errors: frozenset[str] = frozenset()
    """A records by which the list refuses an answer, besides 127.255.255.0/24."""
    test_points: frozenset[SubjectKind] = frozenset(SubjectKind)
    """What it has the test entries of RFC 5782 section 5 for. What must not be listed is asked
    everywhere."""
    test_entry: str = ""
    """What is listed for tests, if not 127.0.0.2, ::FFFF:7F00:2 or TEST."""
    public: bool = False
    """Whether it is public: it is in the catalogue."""
    _zone: str | Secret = ""
    _key: Secret | None = None

    @property
    def alarming(self) -> bool:
        """Whether being listed is a failure."""
        return self.kind == "block"

    def takes(self, kind: SubjectKind) -> bool:
        """Whether it supports that kind of subject."""
        return kind in self.subjects

    def may_know(self, subject: Subject) -> bool:
        """Whether this list may get to know this subject: a private address, or the name of an
        internal server, stays inside, and a public list knows nothing about it."""
        return subject.is_public or not self.public

    def tests(self, kind: SubjectKind) -> tuple[Subject | None, Subject]:
        """The test entries: one that must be listed, if any, and one that must not.

        For IPv6 without a test entry, the one for IPv4 is used: a zone that no longer exists has
        neither.
        """
        point = (
            SubjectKind.IPV4 if kind is SubjectKind.IPV6 and kind not in self.test_points else kind
        )
        if point not in self.test_points or not self.takes(point):
            return None, TESTS[kind][1]
        listed = Subject(point, self.test_entry) if self.test_entry else TESTS[point][0]
        return listed, TESTS[kind][1]

    def zone(self) -> str:
        """The zone with its key: never show it. Raises SecretUnavailable."""
        if isinstance(self._zone, Secret):
            return self._zone.reveal().strip().strip(".").lower()
        return self._zone.replace(KEY, self._key.reveal().strip()) if self._key else self._zone

    def redacted(self, text: str) -> str:
        """Text from a list without its secrets, such as the first label of a secret zone. Raises
        SecretUnavailable."""
        words = (
            [self.zone(), self.zone().partition(".")[0]] if isinstance(self._zone, Secret) else []
        )
        words += [self._key.reveal().strip()] if self._key else []
        for word in filter(None, words):
            text = re.sub(re.escape(word), "<secret>", text, flags=re.IGNORECASE)
        return text
