"""Which probes of a running mailtrip are asked for, by name, target or pattern."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

from exporter.commands.running_server import NoAnswer
from exporter.commands.status.probe_status import NotOurs, ProbeStatus
from exporter.core.availability.window import matches

PAGE = 1000  # probes of one answer
MOST_PROBES = 20 * PAGE
LONGEST_SEARCH = 320  # characters


class Server(Protocol):
    """What a search needs of a running mailtrip."""

    address: str

    def request(self, method: str, path: str) -> Any:
        """Raises NoAnswer."""

    @property
    def says_something_else(self) -> NoAnswer: ...


class Found(NamedTuple):
    """A probe, and what mailtrip says of it, word by word."""

    probe: ProbeStatus
    item: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Search:
    """For the probes with this name, or this target; with a module, for those of it. Empty texts
    stand for all."""

    name: str = ""  # or a pattern
    module: str = ""

    @property
    def names_one(self) -> bool:
        return bool(self.name) and not self._is_pattern

    @property
    def _is_pattern(self) -> bool:
        return any(sign in self.name for sign in "*?[")

    def probes(self, server: Server) -> list[Found]:
        """In the order of the configuration. Raises NoAnswer if there are none."""
        text = f"{self.module} {self.name}".strip()[:LONGEST_SEARCH]
        query = {} if self._is_pattern else {"search": text}
        found = [one for one in _probes(server, query) if self._is_for(one.probe)]
        if not found:
            raise NoAnswer(self._nothing(server))
        return found

    def _is_for(self, probe: ProbeStatus) -> bool:
        """With a module, by the target; otherwise as in windows of maintenance."""
        if self.module:
            of_the_module = probe.module == self.module
            return of_the_module and (not self.name or matches(self.name, probe.target))
        return not self.name or matches(self.name, probe.called)

    def _nothing(self, server: Server) -> str:
        """Why no probe was found. Raises NoAnswer."""
        name, module = self.name, self.module
        if not name and not module:
            return f"there are no probes yet at {server.address}"
        from exporter.config.mistakes import suggestion  # which takes a while

        probes = [one.probe for one in _probes(server, {})]
        targets = {probe.target for probe in probes if probe.module == module}
        if targets:
            what, asked, known = f"target {name!r} of module {module}", name, targets
        elif module:
            what, asked, known = f"module {module!r}", module, {probe.module for probe in probes}
        else:
            what, asked, known = f"probe {name!r}", name, {probe.called for probe in probes}
        return f"no {what} at {server.address}{suggestion(asked, sorted(known))}"


def _probes(server: Server, query: dict[str, str]) -> Iterator[Found]:
    """The probes that the API finds. Raises NoAnswer."""
    for offset in range(0, MOST_PROBES, PAGE):
        stated = urlencode(query | {"limit": str(PAGE), "offset": str(offset)})
        match server.request("GET", f"/probes?{stated}"):
            case {"items": list(items), "next": following}:
                pass
            case _:
                raise server.says_something_else
        try:
            yield from [Found(ProbeStatus.read(item), item) for item in items]
        except NotOurs:
            raise server.says_something_else from None
        if not following:
            return
    raise NoAnswer(f"{server.address} has more than {MOST_PROBES:,} probes: name some of them")
