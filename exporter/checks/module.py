"""A module: a named check with its options; and a probe, which points one at a target."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from exporter.checks import CheckOptions
from exporter.checks.kind import CheckKind
from exporter.checks.matrix import MatrixOptions
from exporter.config.address import TargetPattern, fits, is_many
from exporter.config.types import Duration, NameOfACell, OneWord, Options, duration_text
from exporter.core.scope import Scope
from exporter.mailboxes import MailboxOptions


def _interval(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("must be at least 1s: every trip sends a real message")
    return seconds


Interval = Annotated[Duration, AfterValidator(_interval)]


LEAST_GAP = 1.0  # seconds
RECHECK = 60.0  # seconds between trips after a failure, if nothing else is configured


class Module(CheckOptions):
    """A named check with its options. Its target comes from `probes` or from Prometheus."""

    interval: Interval = 300.0
    """Time between trips to each target, however often it is scraped; for `heartbeat` between two
    looks into the mailbox. Default for `dnsbl`: 1h, because blocklists limit the number of
    queries."""

    interval_after_failure: Interval | None = None
    """Time between trips to a target while its newest trip is a failure, but not `starved`: so a
    failure is confirmed, and a recovery seen, soon, and a healthy target gets no more messages than
    without. If many fail, at most one is checked again in a second. Default: 1m, but not more than
    `interval`, and not less than the `gap` of `send`. Default for `dnsbl` and `heartbeat`:
    `interval`."""

    timeout: Duration = 600.0
    """The message must be back by then, or the trip fails as overdue. Mail between providers often
    takes minutes. It may be longer than `interval`: then trips overlap. For `dnsbl`: a blocklist
    that has not answered by then is unknown. For `heartbeat`: the mailbox must have been read by
    then; default there: 1m."""

    session_timeout: Duration = 30.0
    """Time limit for one conversation with a mail server, from connecting to the end. With `mx`,
    each exchanger that does not answer takes that long, or twice that long if it has a second
    address, which is tried as well."""

    targets: list[TargetPattern] = Field(default_factory=list)
    """The targets that are allowed on `/probe`: patterns with `*`, `?` and `[...]`, and networks
    such as `192.0.2.0/24`. The targets in `probes` are always allowed, and all others are refused,
    because the module sends its credentials to the target. A pattern without a wildcard is one
    target. All spellings of a domain or an IP address are one target. Upper and lower case before
    the `@` are different targets: each one that a wildcard matches gets its own messages. `*` does
    not match `%` and `!` before the `@`, because a mail server may treat them as a route to another
    address."""

    @field_validator("targets")
    @classmethod
    def _suits_the_check(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if check := _check_of(info):
            for pattern in filter(is_many, value):
                check.check_pattern(pattern)
        return value

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_kind(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        defaults = dict[str, Any]()
        for name, kind in cls.kinds().items():
            if name in data and issubclass(kind, CheckKind):
                defaults |= kind.defaults
        return defaults | data

    @field_validator("interval_after_failure")
    @classmethod
    def _between_gap_and_interval(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is None:
            return None
        check = _check_of(info)
        interval, gap = info.data.get("interval", value), check.gap if check else 0.0
        if value > interval:
            raise ValueError(
                f"is longer than interval, {duration_text(interval)}: decrease it, or omit it"
            )
        if value < gap:
            raise ValueError(f"is shorter than the sender's gap, {duration_text(gap)}: increase it")
        return value

    @field_validator("session_timeout")
    @classmethod
    def _within_the_trip(cls, value: float, info: ValidationInfo) -> float:
        timeout = info.data.get("timeout", value)
        if value > timeout:
            raise ValueError(
                f"is longer than timeout, {duration_text(timeout)}: decrease it, or increase"
                " timeout"
            )
        return value

    def recheck(self, interval: float) -> float:
        """Seconds between trips after a failure, of a probe with this interval."""
        wanted = self.interval_after_failure
        if wanted is None:
            wanted = max(RECHECK, self.check.gap) if self.check.confirms else interval
        return min(wanted, interval)

    @property
    def gap(self) -> float:
        """Seconds between the starts of two trips to a target, at least, also of those by hand."""
        return max(LEAST_GAP, self.check.gap)

    def canonical(self, target: str) -> str:
        """The canonical form of a target. Raises ValueError with a line for administrators if it is
        invalid for the module."""
        return self.check.canonical(target)

    def scope(self, mailboxes: Mapping[str, MailboxOptions]) -> Scope:
        """What can happen in a trip of this module. `mailboxes` are all of them, by name."""
        return replace(self.check.scope(mailboxes), timeout=self.timeout)

    @property
    def own_target(self) -> str:
        """The target if none is given; empty if one must be."""
        return self.check.own_target

    def fits(self, target: str) -> bool:
        """Whether a pattern in `targets` matches this target, which is in its canonical form, or
        the module needs none."""
        if self.own_target:
            return target == self.own_target
        return any(fits(pattern, target, self.canonical) for pattern in self.targets)


def _check_of(info: ValidationInfo) -> CheckKind | None:
    """The options of a module's check, if they are valid."""
    given = (info.data.get(name) for name in CheckOptions.choices)
    return next(filter(None, given), None)


class Probe(Options):
    """A module with a target, or with a matrix of senders and targets. Each probe has its own
    interval and series."""

    name: NameOfACell
    """The name of the probe in the label `probe` and on the status page. In a matrix `{from}` and
    `{to}` stand for the names of the sender and the recipient."""

    module: NameOfACell
    """A name from `modules`. In a matrix it may contain `{from}` and `{to}`."""

    target: OneWord | None = None
    """The target of the module: usually a recipient, or the server that `{target}` stands for in
    `send`. Required without `matrix`, but for a `heartbeat` without `{target}`."""

    matrix: MatrixOptions | None = None
    """Makes a probe for each pair of a sender and a recipient ([matrix.md](matrix.md))."""

    interval: Interval | None = None
    """Default: the module's."""
