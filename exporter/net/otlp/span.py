"""Spans in the terms of OpenTelemetry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

Value = str | bool | int | float


class Kind(IntEnum):
    """The numbers of `SpanKind` in OTLP."""

    INTERNAL = 1
    CLIENT = 3


@dataclass(frozen=True, slots=True)
class Link:
    """Another span that a span belongs to, of any trace."""

    trace: bytes
    span: bytes
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OtlpSpan:
    """A span of a trace. Identifiers have 16 bytes (traces) or 8 bytes (spans); times are
    nanoseconds since the epoch."""

    trace: bytes
    id: bytes
    parent: bytes  # empty: the root
    name: str
    start: int
    end: int
    attributes: Mapping[str, Value]
    kind: Kind = Kind.INTERNAL
    error: str | None = None  # what failed; None: nothing did
    links: tuple[Link, ...] = ()
