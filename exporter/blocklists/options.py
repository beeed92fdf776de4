"""The options of a blocklist: its zone alone, or a mapping."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
)

from exporter.blocklists import catalogue, keys
from exporter.blocklists.blocklist import KEY, Blocklist
from exporter.blocklists.facts import ListFacts, check_zone
from exporter.blocklists.names import SubjectKind
from exporter.config.types import Name, Secret

ADDRESSES = frozenset({SubjectKind.IPV4, SubjectKind.IPV6})
_MAX_LISTS = 200


def _zone(value: object) -> str | Secret:
    match value:
        case Secret():
            return value
        case str():
            return check_zone(value)
        case {"file": str(file), **other} if file and not other:
            return Secret(file=file)
        case {"env": str(env), **other} if env and not other:
            return Secret(env=env)
    raise ValueError(
        "not a zone; write its name, such as zen.spamhaus.org, or, if it is secret, {file: PATH}"
    )


Zone = Annotated[
    str | Secret,
    PlainValidator(_zone),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "maxProperties": 1,
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": {"file": {"type": "string"}, "env": {"type": "string"}},
                },
            ],
            "title": "zone",
        }
    ),
]


class BlockListOptions(ListFacts):
    """A blocklist. Defaults come from the catalogue of known lists, or else from RFC 5782."""

    zone: Zone
    """The zone that is queried, such as `zen.spamhaus.org`. A key in the zone is written `{key}`
    and given as `key`. If the whole zone is a secret, write `{file: PATH}` or `{env: NAME}` and
    give a `name`."""

    key: Secret | None = None
    """The value of `{key}` in the zone: `{file: PATH}`, `{env: NAME}` or the text itself. It is
    never shown."""

    name: Name | None = None
    """The name of the list on pages and in labels. Default: the zone without its key."""

    ipv6: bool | None = None
    """Whether it is queried for IPv6 addresses. Default: from the catalogue, else no."""

    test_points: bool | None = None
    """Whether it lists the test entries of RFC 5782: 127.0.0.2, ::FFFF:7F00:2 or TEST. If not, the
    self-test queries only what it must not list, and its zone. Default: from the catalogue, else
    yes."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        zone, key = given.get("zone"), given.get("key")
        if isinstance(zone, str) and KEY in zone and key is None:
            yield f"key is missing: the zone contains {KEY}"
        if isinstance(zone, str) and KEY not in zone and key is not None:
            yield f"key is not used: write {KEY} in the zone"
        if zone is not None and not isinstance(zone, str):
            if key is not None:
                yield "a secret zone cannot have a key"
            if given.get("name") is None:
                yield "name is missing: a secret zone cannot be shown"

    @property
    def label(self) -> str:
        """The name of the list."""
        return self.name or str(self.zone).removeprefix(f"{KEY}.").replace(f"{KEY}.", "")

    def blocklist(self, *, domains: bool = False) -> Blocklist:
        """The list to query; `domains` for an entry of `domain_lists`."""
        known = self._known or catalogue.Entry(zone="unknown.invalid")
        bits = known.bits or {} if self.bits is None else self.bits
        points = (
            known.test_points
            if self.test_points is None
            else SubjectKind
            if self.test_points
            else ()
        )
        six = SubjectKind.IPV6 in known.asks if self.ipv6 is None else self.ipv6
        addresses = ADDRESSES if six else ADDRESSES - {SubjectKind.IPV6}
        return Blocklist(
            name=self.label,
            kind=self.kind or known.kind or "block",
            subjects=frozenset({SubjectKind.DOMAIN}) if domains else addresses,
            severity=self.severity or known.severity or "medium",
            delisting=self.delisting or known.delisting or "",
            codes=tuple((known.codes or {} if self.codes is None else self.codes).items()),
            bits=tuple((int(bit), text) for bit, text in bits.items()),
            errors=frozenset(known.errors or () if self.errors is None else self.errors),
            test_points=frozenset(points),
            test_entry=self.test_entry or known.test_entry or "",
            public=self._known is not None,
            _zone=self.zone,
            _key=self.key,
        )

    @property
    def _known(self) -> catalogue.Entry | None:
        if not isinstance(self.zone, str):
            return None
        return catalogue.entry(self.zone) or catalogue.entry(self.zone.removeprefix(f"{KEY}."))

    def covers(self, kinds: Iterable[SubjectKind]) -> bool:
        """Whether it may support one of these kinds; True if it is not in the catalogue."""
        return not self._known or not self._known.asks.isdisjoint(kinds)


class _ZoneOrMapping:
    """Describes an entry in the JSON Schema: a zone or a mapping."""

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "title": "zone"}, handler(schema)]}


def _entry(value: object) -> object:
    """Turns a zone alone into a mapping, and a key in a zone into a secret."""
    given = {"zone": value} if isinstance(value, str) else value
    zone = given.get("zone") if isinstance(given, dict) and "key" not in given else None
    found = keys.split(zone) if isinstance(zone, str) else None
    return (
        {**given, "zone": found[0], "key": found[1]} if found and isinstance(given, dict) else given
    )


def _of_addresses(options: BlockListOptions) -> BlockListOptions:
    if not options.covers(ADDRESSES):
        raise ValueError("lists domains, not addresses: it belongs to `domain_lists`")
    return options


def _of_domains(options: BlockListOptions) -> BlockListOptions:
    if not options.covers({SubjectKind.DOMAIN}):
        raise ValueError("lists addresses, not domains: it belongs to `lists`")
    return options


def _distinct(lists: list[BlockListOptions]) -> list[BlockListOptions]:
    names = Counter(options.label for options in lists)
    if twice := sorted(name for name, times in names.items() if times > 1):
        raise ValueError(f"the same name twice: {', '.join(twice)}")
    return lists


_Entry = Annotated[BlockListOptions, BeforeValidator(_entry), _ZoneOrMapping()]

AddressLists = Annotated[
    list[Annotated[_Entry, AfterValidator(_of_addresses)]],
    Field(max_length=_MAX_LISTS),
    AfterValidator(_distinct),
]
"""The type of the option `lists`: each entry is a zone or a mapping. Names are distinct."""

DomainLists = Annotated[
    list[Annotated[_Entry, AfterValidator(_of_domains)]],
    Field(max_length=_MAX_LISTS),
    AfterValidator(_distinct),
]
"""The type of the option `domain_lists`."""
