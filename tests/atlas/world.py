"""What a row of the atlas can break, and the configuration that all rows share."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from exporter.app import App
from exporter.core.model import Outcome, ProbeKey, Span
from exporter.core.phases import Phase
from exporter.core.timing.clock import Clock
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.atlas.courier import Courier
from tests.atlas.meddler import Meddler, Rule, meddling
from tests.lab.client import Lab, LabUser
from tests.support.name_server import Zone, name_server
from tests.support.pauses import at_once
from tests.support.smtp_witness import OFFERS, Act, SmtpWitness, Stage, witness

TIMEOUT, SESSION_TIMEOUT, RESOLVER_TIMEOUT = 10, 4, 1  # seconds
PATIENCE = 40  # the timeout of a trip that must succeed

BASE = f"""
resolver: {{nameservers: ["<dns>"], timeout: {RESOLVER_TIMEOUT}s}}
mailboxes:
  monitor:
    imap: {{host: imap.lab.test, ca_file: <ca>, username: <user>, password: labpass}}
modules:
  trip:
    timeout: {TIMEOUT}s
    session_timeout: {SESSION_TIMEOUT}s
    roundtrip:
      from: <user>@lab.test
      to: <user>@lab.test
      send:
        smtp: {{host: relay.lab.test, port: 587, ca_file: <ca>, username: probe, password: labpass}}
      mailbox: monitor
probes:
  - {{name: trip, module: trip, target: the-row}}
"""
"""A real relay with a login, and a real mailbox behind a real exchanger. What is in angle brackets
is the lab's."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "settings": (),
    "resolver": ("resolver",),
    "mailboxes": ("mailboxes",),
    "mailbox": ("mailboxes", "monitor"),
    "imap": ("mailboxes", "monitor", "imap"),
    "module": ("modules", "trip"),
    "roundtrip": ("modules", "trip", "roundtrip"),
    "send": ("modules", "trip", "roundtrip", "send"),
    "smtp": ("modules", "trip", "roundtrip", "send", "smtp"),
}
"""Parts of the configuration that a row may change. Of `mailbox` and `send` nothing of before is
kept."""
KEY = ProbeKey("trip", "the-row")
PLAIN = {"host": "127.0.0.1", "tls": "none", "ca_file": None}
"""How to reach a server that speaks no TLS and takes a login in the clear."""


@dataclass
class World:
    """The surroundings of one row. What is entered into `stack` ends with the row."""

    lab: Lab
    user: LabUser
    directory: Path
    stack: AsyncExitStack
    # Done before the trip begins.
    before: Callable[[App], None] | None = None
    # Done when the message has been accepted.
    then: Callable[[App], Awaitable[object]] | None = None
    sent: asyncio.Event = field(default_factory=asyncio.Event)
    stay: int = 0  # messages of others that have to be in the mailbox when all is over
    clock: Clock = field(default_factory=Clock)

    def filled(self, value: Any) -> Any:
        """A value of the configuration with the lab's own in the place of `<dns>` and the like."""
        lab = self.lab
        words = {
            "dns": lab.dns,
            "silent_dns": lab.silent_dns,
            "ca": lab.ca,
            "user": self.user.name,
            "mx": lab.mx_ip,
        }
        words |= {
            "relay": lab.relay_ip,
            "imap": lab.imap_ip,
            "dead": lab.dead_ip,
            "mon": lab.mon_ip,
        }
        words |= {"sendmail": lab.sendmail, "directory": str(self.directory)}
        words["lab"] = str(lab.directory)
        if isinstance(value, str):
            for word, meaning in words.items():
                value = value.replace(f"<{word}>", meaning)
        elif isinstance(value, dict):
            return {key: self.filled(one) for key, one in value.items()}
        elif isinstance(value, list):
            return [self.filled(one) for one in value]
        return value

    def settings(self, changes: Mapping[str, Mapping[str, Any]]) -> Settings:
        return Settings.parse(self.configuration(changes).encode(), "row.yml")

    def configuration(self, changes: Mapping[str, Mapping[str, Any]]) -> str:
        """The common configuration with these changes; an option that is changed to None is left
        out."""
        whole: dict[str, Any] = yaml.safe_load(self.filled(BASE))
        for name, options in changes.items():
            part = whole
            for word in PARTS[name]:
                part = part[word]
            if name in ("mailbox", "send"):
                part.clear()
            part.update(options)
            for option in [option for option, value in part.items() if value is None]:
                del part[option]
        return str(yaml.safe_dump(whole))

    async def names(self, zone: Zone, *, delay: float = 0.0) -> dict[str, Any]:
        """The option `resolver` for a server of these names."""
        address = await self.stack.enter_async_context(name_server(zone, delay=delay))
        return {"nameservers": [address]}

    async def witness(
        self,
        stage: Stage | None = None,
        act: Act | None = None,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        offers: tuple[str, ...] = (*OFFERS, "AUTH PLAIN"),
    ) -> SmtpWitness:
        """An SMTP server that misbehaves at a stage, and takes messages that go nowhere."""
        one = await self.stack.enter_async_context(witness(address, port, offers))
        if stage and act:
            one.always(stage, act)
        return one

    async def courier(self, change: Callable[[bytes], bytes] = bytes, *, port: int = 0) -> Courier:
        """An SMTP server that takes messages; the row says when they are delivered, and `change`
        says as what."""
        one = Courier(self.user, await self.witness(port=port), change)
        one.witness.always(Stage.DOT, one)
        return one

    async def meddle(self, *rules: Rule, port: int = 143, host: str = "") -> Meddler:
        """Stands before the lab's IMAP server, or before another server."""
        return await self.stack.enter_async_context(
            meddling((host or self.lab.imap_ip, port), *rules)
        )

    async def trip(self, changes: Mapping[str, Mapping[str, Any]]) -> Outcome:
        """The whole trip, in a real App."""
        async with self._app(changes) as app:
            return await self._fly(app)

    async def series(self, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
        """The same, with time for a machine that stalls, and then what the probe's page shows when
        nothing of ours is left in the mailbox."""
        patient = {
            "module": {"timeout": f"{PATIENCE}s", **changes.get("module", {})},
            "resolver": {"timeout": "5s", **changes.get("resolver", {})},
        }
        async with self._app({**changes, **patient}) as app:
            outcome = await self._fly(app)
            assert outcome.success, outcome.failure
            while self.mails() != self.stay:
                await asyncio.sleep(0.05)
            return numbers(at_once(app.metrics.probe(KEY)).decode())

    def _app(self, changes: Mapping[str, Mapping[str, Any]]) -> App:
        return App(self.settings(changes), Store.open(None), new_key(), clock=self.clock)

    async def _fly(self, app: App) -> Outcome:
        if self.before:
            self.before(app)
        flight = app.prober.start(app.probes.get_or_create(KEY), self._follow)
        flight.add_done_callback(lambda _: self.sent.set())
        if self.then:
            await self.sent.wait()
            await self.then(app)
        return await flight

    def _follow(self, span: Span) -> None:
        if span.phase is Phase.DELIVER and span.step is None:
            self.sent.set()

    def mails(self) -> int:
        """How many messages are in all folders of the mailbox."""
        places = ("new", "cur", ".*/new", ".*/cur")
        return sum(1 for place in places for _ in self.user.maildir.glob(f"{place}/*"))


def numbers(page: str) -> dict[str, float]:
    """Every series that a page shows."""
    lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}
