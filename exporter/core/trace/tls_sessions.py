"""Tells apart the TLS sessions of a trip that needed several attempts."""

from collections import Counter
from collections.abc import Iterable, Iterator

from exporter.core.model import Fact, TlsSession


def with_sessions(facts: Iterable[Fact]) -> Iterator[tuple[Fact, str]]:
    """Each fact with what tells it from its like, for people: of several TLS sessions on a leg,
    the number in order, and the host if there are several; else an empty text.

    A number counts sessions: an attempt that did not come to TLS has none.
    """
    facts = list(facts)
    sessions = [fact for fact in facts if isinstance(fact, TlsSession)]
    all_of = Counter(fact.place for fact in sessions)
    seen = Counter[str]()
    for fact in facts:
        if not isinstance(fact, TlsSession) or all_of[place := fact.place] == 1:
            yield fact, ""
            continue
        seen[place] += 1
        hosts = {one.host for one in sessions if one.place == place}
        with_host = f", {fact.host}" if len(hosts) > 1 and fact.host else ""
        yield fact, f"session {seen[place]} of {all_of[place]}{with_host}"
