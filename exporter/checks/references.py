"""References between mailboxes, modules and probes, and errors in them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from exporter.checks import CheckOptions
from exporter.checks.module import Module, Probe
from exporter.checks.options import MAILBOX_OPTIONS
from exporter.config.address import PLACEHOLDER
from exporter.config.mistakes import Path, suggestion
from exporter.config.types import Options
from exporter.core.model import ProbeKey
from exporter.mailboxes import MailboxOptions

Part = TypeVar("Part", bound=Options)


def references(data: Any) -> Iterator[tuple[Path, str]]:
    """Errors between mailboxes, modules and probes, as far as each of them can be read, and between
    windows of maintenance."""
    data = data if isinstance(data, dict) else {}
    mailboxes = _mapping(data.get(_section("mailboxes", data)))
    modules = _mapping(data.get(_section("modules", data)))
    listed = data.get("probes")
    probes = {
        n: _readable(Probe, one) for n, one in enumerate(listed if isinstance(listed, list) else ())
    }
    readable = {name: _readable(Module, one) for name, one in modules.items()}
    for name, module in modules.items():
        yield from _mailbox_mistakes(name, _mapping(module), mailboxes)
    for name, one in readable.items():
        if one and one.dnsbl and one.dnsbl.addresses:
            path = ("modules", name, "dnsbl", "addresses", "from_probe")
            entries = [probe for probe in probes.values() if probe]
            yield from _sender_mistakes(path, one.dnsbl.addresses.from_probe, entries, readable)
    yield from _payload_mistakes(readable, mailboxes, probes)
    yield from _missing_targets(listed, readable)
    yield from _probe_mistakes({n: probe for n, probe in probes.items() if probe}, readable)
    yield from _window_mistakes(data.get("maintenance"))


def _mailbox_mistakes(
    name: str, module: Mapping[str, Any], mailboxes: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    for kind in CheckOptions.model_fields.keys() & module.keys():
        check = _mapping(module[kind])
        for option in MAILBOX_OPTIONS:
            mailbox = check.get(option)
            if isinstance(mailbox, str) and mailbox.strip() and mailbox not in mailboxes:
                known = suggestion(mailbox, mailboxes) or "; this file defines none"
                yield ("modules", name, kind, option), f"unknown mailbox {mailbox}{known}"


def _sender_mistakes(
    path: Path, sender: str, probes: Iterable[Probe], modules: Mapping[str, Module | None]
) -> Iterator[tuple[Path, str]]:
    """Errors of `sender`: it must name a probe whose messages arrive, so that their addresses are
    known."""
    named = {probe.name: probe for probe in probes}
    if sender not in named:
        yield (
            path,
            f"unknown probe {sender}{suggestion(sender, named) or '; this file defines none'}",
        )
    elif (module := modules.get(named[sender].module)) and not _arrives(module):
        yield (
            path,
            (f"no message of the probe {sender} ever arrives, so its source address is unknown"),
        )


def _arrives(module: Module) -> bool:
    """Whether its messages should arrive in a mailbox."""
    trip = module.roundtrip
    arrives = trip and trip.mailbox and trip.home == "message"
    return bool(trip and arrives and (trip.expect is None or trip.expect.junk))


def _payload_mistakes(
    modules: Mapping[str, Module | None],
    mailboxes: Mapping[str, Any],
    probes: Mapping[int, Probe | None],
) -> Iterator[tuple[Path, str]]:
    """Recipients of a payload whose mail does not arrive in the module's mailbox, as far as that
    knows its recipients."""
    for name, module in modules.items():
        trip = module.roundtrip if module else None
        if not trip or not trip.payload or not trip.mailbox:
            continue
        mailbox = _readable(MailboxOptions, mailboxes.get(trip.mailbox))
        named: list[tuple[Path, str]] = [(("modules", name, "roundtrip", "to"), "")]
        if PLACEHOLDER in trip.to and module:
            named = [(("modules", name, "targets", n), one) for n, one in enumerate(module.targets)]
            named += [
                (("probes", n, "target"), probe.target or "")
                for n, probe in probes.items()
                if probe and probe.module == name
            ]
        for path, target in named:
            recipient = trip.to.replace(PLACEHOLDER, target)
            if mailbox and not mailbox.how.takes(recipient):
                yield (
                    path,
                    f"the payload would go to {recipient}, which is not a recipient of the mailbox"
                    f" {trip.mailbox}",
                )


def _probe_mistakes(
    probes: Mapping[int, Probe], modules: Mapping[str, Module | None]
) -> Iterator[tuple[Path, str]]:
    names: dict[str, int] = {}
    pairs: dict[ProbeKey, str] = {}
    for n, probe in probes.items():
        path = ("probes", n)
        if names.setdefault(probe.name, n) != n:
            yield (*path, "name"), f"duplicate probe name {probe.name}"
        if probe.module not in modules:
            known = suggestion(probe.module, modules) or "; this file defines none"
            yield (*path, "module"), f"unknown module {probe.module}{known}"
        elif (module := modules[probe.module]) and (probe.target or module.own_target):
            try:
                key = ProbeKey(probe.module, module.canonical(probe.target or ""))
            except ValueError as error:
                yield (*path, "target"), f"invalid target for module {probe.module}: {error}"
            else:
                if pairs.setdefault(key, probe.name) != probe.name:
                    yield path, f"has the same module and target as the probe {pairs[key]}"


def _missing_targets(
    listed: object, modules: Mapping[str, Module | None]
) -> Iterator[tuple[Path, str]]:
    """Probes without a target, whose module is not known to need none."""
    for n, one in enumerate(listed if isinstance(listed, list) else ()):
        probe = _mapping(one)
        name = probe.get("module")
        module = modules.get(name) if isinstance(name, str) else None
        given = "target" in probe or "matrix" in probe or not probe.keys() <= {*Probe.keys}
        if isinstance(one, dict) and not given and not (module and module.own_target):
            yield ("probes", n), "target is missing"


def _window_mistakes(listed: object) -> Iterator[tuple[Path, str]]:
    names = set[str]()
    for n, one in enumerate(listed if isinstance(listed, list) else ()):
        name = _mapping(one).get("name")
        if isinstance(name, str):
            if name in names:
                yield ("maintenance", n, "name"), f"duplicate name {name}"
            names.add(name)


def _section(name: str, data: Mapping[str, Any]) -> str:
    """The section, also under a misspelt key, so that its entries are not reported as unknown as
    well."""
    misspelt = (key for key in data if suggestion(key, (name,)).endswith("?"))
    return name if name in data else next(misspelt, name)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _readable(kind: type[Part], data: object) -> Part | None:
    try:
        return kind.model_validate(data)
    except ValidationError:
        return None
