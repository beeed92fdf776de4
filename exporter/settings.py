"""The whole configuration: the root model and its queries."""

from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from typing import Any, Self

from pydantic import Field, field_validator

from exporter.blocklists.blocklist import Blocklist
from exporter.checks.matrix import expand
from exporter.checks.module import Module, Probe
from exporter.checks.references import references
from exporter.config.load import Reading, read, reading
from exporter.config.maintenance import MaintenanceOptions
from exporter.config.oauth2 import OAuth2Options, TakesTokens
from exporter.config.parts import files_in
from exporter.config.resolver import ResolverOptions
from exporter.config.schema import json_schema
from exporter.config.server import AccessOptions
from exporter.config.tracing import TracingOptions
from exporter.config.types import Duration, Name, Options, Secret, WrittenPath, duration_text
from exporter.config.yaml import dump
from exporter.core.model import ProbeKey
from exporter.core.scope import Scope
from exporter.core.state_directory import default_state_directory
from exporter.mail.tokens import read_key
from exporter.mailboxes import MailboxOptions

EMBEDDED = "embedded.yml"
LEAST_KEEP = 3600.0  # seconds


class StateOptions(Options):
    """What must survive a restart: the tokens of messages in transit, the key that signs them, and
    what is known about earlier trips."""

    dir: WrittenPath = Field(default_factory=default_state_directory)
    """A directory for the state of this exporter alone, on a local disk. Default:
    `$STATE_DIRECTORY`, which systemd sets, else `./mailtrip-state`."""

    token_key: Secret | None = None
    """The key that signs tokens, in 64 or more hexadecimal digits, such as `openssl rand -hex 32`
    prints. Set it only for a failover pair: both exporters get the same key, and each its own
    `dir`. Each makes its own trips, leaves the other's messages alone for an hour, and then deletes
    those that are left over. Default: a key that is created at the first start and stored in `dir`,
    so that exporters that share a mailbox never touch each other's messages."""

    keep: Duration = 30 * 86400.0
    """How long finished trips are kept, so that links to them last: of each probe all of the
    newest, older ones thinned out by time, and the first and the last trip of each outage
    ([scaling.md](scaling.md#the-size-of-the-state)). At least 1h. All together are bounded in size.
    Outages and the account of each day are kept for 13 months."""

    @field_validator("keep")
    @classmethod
    def _is_not_short(cls, value: float) -> float:
        if value < LEAST_KEEP:
            raise ValueError(f"must be at least {duration_text(LEAST_KEEP)}")
        return value

    @field_validator("token_key", mode="before")
    @classmethod
    def _is_a_key(cls, value: object) -> object:
        """Checks a literal key; one that is stored elsewhere is checked only when it is used."""
        if isinstance(value, str):
            read_key(value)
        return value


class MetricsOptions(Options):
    """The series of probes."""

    step_histograms: bool = True
    """Whether the steps in which a server works have histograms
    (`mailtrip_smtp_step_duration_seconds`, `mailtrip_mailbox_step_duration_seconds`). `false` saves
    up to 30 series for each probe. The newest duration of every step remains, and
    `quantile_over_time` serves as well while a scrape sees every trip
    ([scaling.md](scaling.md#how-many-series))."""


class Settings(Options):
    """The whole configuration."""

    state: StateOptions = Field(default_factory=StateOptions)
    """What must survive a restart."""

    resolver: ResolverOptions = ResolverOptions()
    """DNS resolver."""

    metrics: MetricsOptions = MetricsOptions()
    """Which series the probes have."""

    mailboxes: dict[Name, MailboxOptions] = Field(default_factory=dict)
    """The mailboxes that receive messages, by name. All modules that name the same mailbox share
    one session."""

    modules: dict[Name, Module] = Field(default_factory=dict)
    """The checks, by name."""

    probes: list[Probe] = Field(default_factory=list)
    """The probes that run on their own and appear on `/metrics`. Others are created when Prometheus
    requests them on `/probe`."""

    maintenance: list[MaintenanceOptions] = Field(default_factory=list)
    """Windows of planned maintenance ([maintenance.md](maintenance.md))."""

    tracing: TracingOptions | None = None
    """Where trips are sent as traces. Default: nowhere."""

    @classmethod
    def load(cls, *paths: str) -> Self:
        """Loads the settings from these files and directories, merged. Raises Mistakes with every
        error at once."""
        return cls.reading(*paths).options

    @classmethod
    def reading(cls, *paths: str) -> Reading[Self]:
        """Like `load`, with the position of every option. Without a path, reads the embedded
        configuration."""
        texts = [(file, read(file)) for file in files_in(paths)]
        embedded = [(EMBEDDED, files("exporter.config").joinpath(EMBEDDED).read_bytes())]
        return reading(cls, texts if paths else embedded, references, expand)

    @classmethod
    def parse(cls, raw: bytes, file: str) -> Self:
        """Parses settings from a text; `file` is its name in errors. Raises Mistakes."""
        return cls.reading_text(raw, file).options

    @classmethod
    def reading_text(cls, raw: bytes, file: str) -> Reading[Self]:
        """Like `parse`, with the position of every option."""
        return reading(cls, [(file, raw)], references, expand)

    @classmethod
    def embedded(cls) -> Self:
        """The default without a configuration: trips to mailtrip itself, through its SMTP
        receiver."""
        return cls.reading().options

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema of the configuration, for editors."""
        return json_schema(cls)

    @cached_property
    def entries(self) -> dict[ProbeKey, Probe]:
        """The entries of `probes`, by probe key."""
        return {self.key(probe.module, probe.target): probe for probe in self.probes}

    def key(self, module: str, target: str | None) -> ProbeKey:
        """The probe key of a module and a target in any spelling, or none. Raises ValueError, see
        `canonical`."""
        return ProbeKey(module, self.modules[module].canonical(target or ""))

    def scope(self, module: str) -> Scope:
        """What can happen in the trips of this module."""
        return self.modules[module].scope(self.mailboxes)

    def needed_for(self, key: ProbeKey) -> "Settings":
        """The settings with this probe alone, and the mailboxes that it needs: no port of another
        receiver is taken, for example from a `serve` that restarts."""
        module = self.modules.get(key.module)
        needed = {
            "mailboxes": {
                name: self.mailboxes[name] for name in (module.mailboxes if module else ())
            },
            "probes": [entry for one, entry in self.entries.items() if one == key],
        }
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_construct(**fields | needed)

    def allows(self, module: str, target: str | None) -> bool:
        """Whether `/probe` may point this module at this target. False also if the target is
        invalid for the module."""
        try:
            key = self.key(module, target)
        except ValueError:
            return False
        return self.modules[module].fits(key.target) or key in self.entries

    @property
    def logins(self) -> Iterator[tuple[OAuth2Options, str]]:
        """The accounts that log in with OAuth 2.0 tokens, with their options."""
        for way in self._ways_in:
            if isinstance(way, TakesTokens) and (login := way.token_login):
                yield login

    @property
    def client_certificates(self) -> frozenset[str]:
        """The files with certificates of our own that servers or identity providers get."""
        files = {oauth2.certificate.cert_file for oauth2, _ in self.logins if oauth2.certificate}
        for way in (*self._ways_in, self.tracing):
            if isinstance(way, AccessOptions | TracingOptions) and way.client_certificate:
                files.add(way.client_certificate.cert_file)
        return frozenset(files)

    @property
    def _ways_in(self) -> list[object]:
        """The options of all mailboxes and senders."""
        ways = [mailbox.how for mailbox in self.mailboxes.values()]
        return ways + [one.roundtrip.send.how for one in self.modules.values() if one.roundtrip]

    @property
    def blocklists(self) -> list[Blocklist]:
        """The blocklists of all modules. If several have the same name, the first of them: one for
        addresses, and one for domains."""
        found: dict[tuple[str, bool], Blocklist] = {}
        for module in self.modules.values():
            for entry, domains in module.lists:
                found.setdefault((entry.label, domains), entry.blocklist(domains=domains))
        return [*found.values()]

    def shown(self) -> str:
        """The configuration with its defaults, as YAML, without secrets."""
        return dump(_plain(self))

    def shown_module(self, name: str) -> str:
        """Like `shown`, for one module and the mailboxes that it names."""
        mailboxes = {
            mailbox: _plain(self.mailboxes[mailbox]) for mailbox in self.modules[name].mailboxes
        }
        return dump(
            {"modules": {name: _plain(self.modules[name])}}
            | ({"mailboxes": mailboxes} if mailboxes else {})
        )

    def digest_of(self, module: str) -> str:
        """Differs if the options of this module, or of its mailboxes, do. Without secrets."""
        return sha256(self.shown_module(module).encode()).hexdigest()


def _plain(options: Options) -> Any:
    return options.model_dump(mode="json", by_alias=True, exclude_none=True)
