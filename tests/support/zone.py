"""Names and their records, in place of the DNS."""

from collections.abc import Mapping, Sequence

from exporter.net.dns.answer import Answer, DnsResult
from exporter.net.dns.queries import RecordType

Records = Mapping[str, Mapping[str, Sequence[str] | DnsResult]]
"""By name, then by type: the records, or why there is no answer. `*` is every other type."""

MOST_ALIASES = 8


class Zone:
    """Answers as a resolver would, and notes what it was asked."""

    def __init__(self, records: Records) -> None:
        self._records = {name.lower(): types for name, types in records.items()}
        self.queries: list[tuple[str, str]] = []

    async def query(self, name: str, kind: RecordType) -> Answer:
        name = name.removesuffix(".").lower()
        self.queries.append((name, kind))
        for _ in range(MOST_ALIASES):
            types = self._records.get(name)
            if types is None:
                return Answer(DnsResult.NXDOMAIN)
            if "CNAME" not in types:
                break
            name = str(types["CNAME"][0]).removesuffix(".").lower()
        else:
            return Answer(DnsResult.SERVFAIL)
        found = types.get(kind, types.get("*", ()))
        if isinstance(found, DnsResult):
            return Answer(found)
        return Answer(DnsResult.RECORDS if found else DnsResult.NODATA, tuple(found))
