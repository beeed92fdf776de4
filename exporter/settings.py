"""The whole configuration: mailboxes, modules and probes, and how they refer to each other."""

import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from exporter.checks import CheckOptions
from exporter.checks.options import MAILBOX_OPTIONS
from exporter.config.address import Nameserver, TargetPattern, fits
from exporter.config.load import Reading, load, read, reading
from exporter.config.mistakes import Path, suggestion
from exporter.config.oauth2 import OAuth2Options
from exporter.config.parts import files_in
from exporter.config.schema import json_schema
from exporter.config.server import ServerOptions
from exporter.config.types import (
    Duration,
    Name,
    OneWord,
    Options,
    Secret,
    WrittenPath,
    duration_text,
)
from exporter.config.yaml import dump
from exporter.core.model import ProbeKey
from exporter.mail.tokens import read_key
from exporter.mailboxes import MailboxOptions
from exporter.net.dns import DEFAULT_TIMEOUT

EMBEDDED = "embedded.yml"
Part = TypeVar("Part", bound=Options)


def _interval(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("must be at least 1s: every trip sends a real message")
    return seconds


def _default_dir() -> str:
    """systemd's StateDirectory= names several, separated by colons, if there are several."""
    return os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or "./mailtrip-state"


Interval = Annotated[Duration, AfterValidator(_interval)]


class StateOptions(Options):
    """What must survive a restart: the tokens of messages that are on their way, and the key that
    signs them."""

    dir: WrittenPath = Field(default_factory=_default_dir)
    """A directory of our own, on a local disk. Default: `$STATE_DIRECTORY`, which systemd sets,
    else `./mailtrip-state`."""

    token_key: Secret | None = None
    """The key that signs tokens, in 64 or more hexadecimal digits, such as `openssl rand -hex 32`
    prints. Give the same one to the exporters of a fail-over pair, each with a `dir` of its own,
    and no other: each makes trips of its own, leaves the other's messages alone for an hour, and
    then deletes what is left over. Default: one of our own, made at the first start and kept in
    `dir`, so that exporters that share a mailbox never touch each other's messages."""

    @field_validator("token_key", mode="before")
    @classmethod
    def _is_a_key(cls, value: object) -> object:
        """Of a secret that is kept elsewhere nobody knows before it is used."""
        if isinstance(value, str):
            read_key(value)
        return value


class ResolverOptions(Options):
    """Who answers questions about names. Answers are not kept, since a trip tells how long a name
    takes."""

    nameservers: list[Nameserver] = Field(default_factory=list)
    """The servers to ask, in this order. Default: those of `/etc/resolv.conf`, which is read again
    when it changes."""

    timeout: Duration = DEFAULT_TIMEOUT
    """How long one question may take, all servers and repetitions together."""


class Module(CheckOptions):
    """A named check with its options. What it is pointed at, the target, comes from `probes` or
    from Prometheus."""

    interval: Interval = 300.0
    """One trip for each target in this time, however often it is scraped. Default for `dnsbl`: 1h,
    since blocklists count who asks how often."""

    timeout: Duration = 600.0
    """The message must be back by then, or the trip fails as overdue. Mail between providers often
    takes minutes. It may be longer than `interval`: then trips overlap. A blocklist that has not
    answered by then is not waited for."""

    session_timeout: Duration = 30.0
    """How long one conversation with a mail server may take, from connecting to the end."""

    targets: list[TargetPattern] = Field(default_factory=list)
    """The targets that may be asked for on `/probe`: patterns with `*`, `?` and `[...]`, and
    networks such as `192.0.2.0/24`. The targets in `probes` are always allowed, all others never:
    the module lends its credentials. A pattern without a wildcard is one target. All spellings of a
    domain or an IP address are one target, and small and capital letters in front of the `@` are
    not: what a wildcard fits there is a target of its own, each with its own messages. `%` and `!`
    in front of the `@` fit no `*`: a mail server may read them as the way to somebody else."""

    @model_validator(mode="before")
    @classmethod
    def _blocklists_are_asked_seldom(cls, data: Any) -> Any:
        return {"interval": "1h", **data} if isinstance(data, dict) and "dnsbl" in data else data

    @field_validator("session_timeout")
    @classmethod
    def _within_the_trip(cls, value: float, info: ValidationInfo) -> float:
        timeout = info.data.get("timeout", value)
        if value > timeout:
            raise ValueError(
                f"is longer than timeout, {duration_text(timeout)}: lower the one or raise the"
                " other"
            )
        return value

    def canonical(self, target: str) -> str:
        """The one form of all spellings of a target. Raises ValueError with a line for
        administrators if the module can do nothing with it."""
        form: str = self.chosen[1].canonical(target)
        return form

    def fits(self, target: str) -> bool:
        """Whether one of the patterns in `targets` fits this target, which is in its canonical
        form."""
        return any(fits(pattern, target, self.canonical) for pattern in self.targets)


class Probe(Options):
    """A module pointed at a target, with a beat and series of its own."""

    name: Name
    """What the probe is called, in the label `probe` and on the status page."""

    module: Name
    """A name from `modules`."""

    target: OneWord
    """What the module is pointed at: most often a recipient, or the server that its `send` names
    with `{target}`."""

    interval: Interval | None = None
    """Default: the module's."""


class Settings(Options):
    """The whole configuration."""

    state: StateOptions = Field(default_factory=StateOptions)
    """What must survive a restart."""

    resolver: ResolverOptions = ResolverOptions()
    """Who answers questions about names."""

    mailboxes: dict[Name, MailboxOptions] = Field(default_factory=dict)
    """The places where messages are awaited, by name. All modules that name the same mailbox share
    one session."""

    modules: dict[Name, Module] = Field(default_factory=dict)
    """The checks, by name."""

    probes: list[Probe] = Field(default_factory=list)
    """The probes that run by themselves and stand on `/metrics`. Any other is made when Prometheus
    asks `/probe`."""

    @classmethod
    def load(cls, *paths: str) -> Self:
        """The settings in these files and directories, which are one configuration together. Raises
        Mistakes, all of them at once."""
        return cls.reading(*paths).options

    @classmethod
    def reading(cls, *paths: str) -> Reading[Self]:
        """The same, with the places where everything is written. Without a path it is the embedded
        configuration."""
        texts = [(file, read(file)) for file in files_in(paths)]
        embedded = [(EMBEDDED, files("exporter.config").joinpath(EMBEDDED).read_bytes())]
        return reading(cls, texts if paths else embedded, _references)

    @classmethod
    def parse(cls, raw: bytes, file: str) -> Self:
        """The settings in a text; `file` is the name for it in mistakes. Raises Mistakes."""
        return load(cls, [(file, raw)], _references)

    @classmethod
    def embedded(cls) -> Self:
        """What runs without a configuration: trips to ourselves, through our own receiver."""
        return cls.reading().options

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """For editors: JSON Schema of the configuration."""
        return json_schema(cls)

    @property
    def entries(self) -> dict[ProbeKey, Probe]:
        """The entries of `probes`, by what they are about."""
        return {self.key(probe.module, probe.target): probe for probe in self.probes}

    def key(self, module: str, target: str) -> ProbeKey:
        """What a module of these and a target in any spelling are as a probe. Raises ValueError,
        see `canonical`."""
        return ProbeKey(module, self.modules[module].canonical(target))

    def allows(self, module: str, target: str) -> bool:
        """Whether `/probe` may point this module at this target. False also if the module can do
        nothing with it."""
        try:
            key = self.key(module, target)
        except ValueError:
            return False
        return self.modules[module].fits(key.target) or key in self.entries

    @property
    def logins(self) -> Iterator[tuple[OAuth2Options, str]]:
        """Who logs in with a token, and how."""
        ways = [mailbox.chosen[1] for mailbox in self.mailboxes.values()]
        ways += [
            module.roundtrip.send.chosen[1] for module in self.modules.values() if module.roundtrip
        ]
        for way in ways:
            if isinstance(way, ServerOptions) and way.oauth2:
                yield way.oauth2, way.username or ""

    def shown(self) -> str:
        """The configuration with its defaults, as YAML, every secret hidden."""
        return dump(_plain(self))

    def shown_module(self, name: str) -> str:
        """The same, of one module and the mailboxes that it names."""
        mailboxes = {
            mailbox: _plain(self.mailboxes[mailbox]) for mailbox in self.modules[name].mailboxes
        }
        return dump(
            {"modules": {name: _plain(self.modules[name])}}
            | ({"mailboxes": mailboxes} if mailboxes else {})
        )


def _plain(options: Options) -> Any:
    return options.model_dump(mode="json", by_alias=True, exclude_none=True)


# ---------------------------------------------------------------- references


def _references(data: Any) -> Iterator[tuple[Path, str]]:
    """What is wrong between mailboxes, modules and probes, as far as each of them can be read."""
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
    yield from _probe_mistakes({n: probe for n, probe in probes.items() if probe}, readable)


def _mailbox_mistakes(
    name: str, module: Mapping[str, Any], mailboxes: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    for kind in CheckOptions.model_fields.keys() & module.keys():
        check = _mapping(module[kind])
        for option in MAILBOX_OPTIONS:
            mailbox = check.get(option)
            if isinstance(mailbox, str) and mailbox.strip() and mailbox not in mailboxes:
                known = suggestion(mailbox, mailboxes) or "; there are none in this file"
                yield ("modules", name, kind, option), f"unknown mailbox {mailbox}{known}"


def _sender_mistakes(
    path: Path, sender: str, probes: Iterable[Probe], modules: Mapping[str, Module | None]
) -> Iterator[tuple[Path, str]]:
    """Whether the addresses of a probe's mail can be known: it must be a probe whose messages
    arrive."""
    named = {probe.name: probe for probe in probes}
    if sender not in named:
        yield (
            path,
            f"unknown probe {sender}{suggestion(sender, named) or '; there are none in this file'}",
        )
    elif (module := modules.get(named[sender].module)) and not (
        module.roundtrip and module.roundtrip.mailbox
    ):
        yield (
            path,
            (
                f"no message of the probe {sender} ever arrives, so that nobody sees where its mail"
                " leaves from"
            ),
        )


def _probe_mistakes(
    probes: Mapping[int, Probe], modules: Mapping[str, Module | None]
) -> Iterator[tuple[Path, str]]:
    names: dict[str, int] = {}
    pairs: dict[ProbeKey, str] = {}
    for n, probe in probes.items():
        path = ("probes", n)
        if names.setdefault(probe.name, n) != n:
            yield (*path, "name"), f"another probe is called {probe.name} already"
        if probe.module not in modules:
            known = suggestion(probe.module, modules) or "; there are none in this file"
            yield (*path, "module"), f"unknown module {probe.module}{known}"
        elif module := modules[probe.module]:
            try:
                key = ProbeKey(probe.module, module.canonical(probe.target))
            except ValueError as error:
                yield (*path, "target"), f"no target for the module {probe.module}: {error}"
            else:
                if pairs.setdefault(key, probe.name) != probe.name:
                    yield path, f"has the same module and target as the probe {pairs[key]}"


def _section(name: str, data: Mapping[str, Any]) -> str:
    """Or the key that is that name misspelt: what it holds is not unknown besides."""
    misspelt = (key for key in data if suggestion(key, (name,)).endswith("?"))
    return name if name in data else next(misspelt, name)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _readable(kind: type[Part], data: object) -> Part | None:
    try:
        return kind.model_validate(data)
    except ValidationError:
        return None
