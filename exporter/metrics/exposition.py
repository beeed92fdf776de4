"""Series as text for Prometheus, byte by byte as prometheus_client would write it. Only the values
of the process come from there: series of probes are many, and its writer imports its servers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache
from itertools import accumulate, chain

from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.utils import floatToGoString

from exporter.core.timing.fairness import Slices
from exporter.core.trace.identity import trace_id
from exporter.metrics.definitions import Definition
from exporter.metrics.series import Histogram, Labels, Value
from exporter.metrics.text import Text

PROBES = 2000  # whose lines are gathered at a time: a millisecond of work

Lines = Mapping[str, bytes]
"""What is written of some families, by name."""


class Format(Enum):
    """The exposition formats; the value is the content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"  # which every Prometheus reads
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"  # with exemplars

    @property
    def end(self) -> bytes:
        """The end marker of the text."""
        return b"# EOF\n" if self is Format.OPENMETRICS else b""


class Layout:
    """The lines of a family, prepared but for the values of labels and the numbers; with the label
    `probe` if they are of a probe with a `named` one."""

    def __init__(self, definition: Definition, form: Format, named: bool) -> None:
        self._has_exemplars = form is Format.OPENMETRICS
        labels = ("probe", *definition.labels) if named else definition.labels
        self._order = sorted(range(len(labels)), key=labels.__getitem__)
        name, given = definition.name, dict.fromkeys(labels, "%s")
        lines = [name + _braces(given)]
        if definition.kind == "histogram":
            bounds = [*map(str, definition.buckets), "+Inf"]
            lines = [f"{name}_bucket{_braces(given | {'le': bound})}" for bound in bounds]
            lines += [f"{name}_{what}{_braces(given)}" for what in ("count", "sum")]
        self._template = "".join(f"{line} %s\n" for line in lines)
        self.head = _head(name, definition.kind, definition.help, form)

    def lines(self, values: Iterable[tuple[Labels, Value]], probe: str | None) -> bytes:
        written = list[str]()
        for labels, value in values:
            given = labels if probe is None else (probe, *labels)
            given = tuple([_escaped(given[place]) for place in self._order])
            if isinstance(value, Histogram):
                numbers = [(*given, number) for number in self._numbers(value)]
                written.append(self._template % tuple(chain.from_iterable(numbers)))
            else:
                written.append(self._template % (*given, _number(value)))
        return "".join(written).encode()

    def _numbers(self, histogram: Histogram) -> list[str]:
        """What is counted up to each bound, the number of all, and their sum."""
        numbers = [_count(count) for count in accumulate(histogram.counts)]
        numbers += (numbers[-1], _number(histogram.sum))
        if self._has_exemplars:
            for bucket, (trip, value, at, traced) in histogram.exemplars.items():
                labels = f'trip_id="{_escaped(trip)}"'
                if traced:
                    labels = f'trace_id="{trace_id(trip).hex()}",{labels}'
                numbers[bucket] += f" # {{{labels}}} {_number(value)} {at}"
        return numbers


@cache
def layout(definition: Definition, form: Format, named: bool) -> Layout:
    return Layout(definition, form, named)


async def add_families(
    text: Text,
    definitions: Iterable[Definition],
    many: Sequence[Lines],
    form: Format,
    slices: Slices,
) -> None:
    """Adds each family under its header. Families without series are left out."""
    for definition in definitions:
        head = [layout(definition, form, False).head]
        for start in range(0, len(many), PROBES):
            some = many[start : start + PROBES]
            if lines := [found for one in some if (found := one.get(definition.name))]:
                text.add([*head, *lines])
                head = []
            await slices.pause()


def process_text(form: Format) -> bytes:
    """The series of the process."""
    lines = list[bytes]()
    for family in chain(_PROCESS.collect(), _PLATFORM.collect()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        lines.append(_head(name, family.type, family.documentation, form))
        for sample in family.samples:
            labels = {label: _escaped(value) for label, value in sample.labels.items()}
            lines.append(f"{sample.name}{_braces(labels)} {_number(sample.value)}\n".encode())
    return b"".join(lines)


def _head(name: str, kind: str, text: str, form: Format) -> bytes:
    """The lines about a family. `name` is that of its samples, but of a histogram its own."""
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    if form is Format.OPENMETRICS:
        name = name.removesuffix("_total") if kind == "counter" else name
        text = text.replace('"', r"\"")
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n".encode()


def _braces(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


_number: Callable[[float], str] = floatToGoString
# The same few counts are written again and again; whole numbers only, since -0.0 equals 0.0.
_count = lru_cache(maxsize=5000)(_number)

_PROCESS, _PLATFORM = ProcessCollector(registry=None), PlatformCollector(registry=None)
