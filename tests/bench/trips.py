"""A part of `make bench`: what a trip costs, as a ratio to a bare loop in the same run, and where
the time goes.

All of it is included that `mailtrip serve` does for a trip: state on the disk, transcript, parsing,
judging, counting, the log line.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import itemgetter

from exporter.core.model import ProbeKey
from exporter.settings import Settings
from tests.bench.bare_loop import BareLoop, ImapInbox, Inbox, MaildirInbox, ServerToProbe
from tests.bench.figures import show
from tests.bench.layers import REST, Layers
from tests.bench.load import Cost, Load, Trip, cost_of
from tests.bench.running import running, trip_of
from tests.lab.client import Lab, LabUser

AIM = 1.5  # times the bare loop
ROUNDS = 2  # of which the cheaper one counts, since others use the machine, too
LOADS = (Load(60, 10), Load(200, 50), Load(300, 100), Load(300))
PROFILED = Load(400, 50)
SENDER = "probe@lab.test"

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  monitor: {mailbox}
modules:
  trip:
    timeout: 60s
    targets: ["*@lab.test"]
    roundtrip: {{from: {sender}, send: {{smtp: {smtp}}}, mailbox: monitor}}
"""


@dataclass(frozen=True, slots=True)
class Route:
    """How messages travel: for mailtrip, and for a bare loop."""

    name: str
    smtp: str
    mailbox: str
    server: ServerToProbe
    inbox: Inbox

    @property
    def configuration(self) -> str:
        return CONFIGURATION.format(
            dns=Lab.dns, smtp=self.smtp, mailbox=self.mailbox, sender=SENDER
        )

    @property
    def settings(self) -> Settings:
        return Settings.parse(self.configuration.encode(), "bench.yml")


def in_plain_text(lab: Lab, user: LabUser) -> Route:
    return Route(
        "IMAP",
        f"{{host: {lab.relay_ip}, port: 25, tls: none}}",
        f"{{imap: {{host: {lab.imap_ip}, tls: none, username: {user.name},"
        f" password: {lab.password}}}}}",
        ServerToProbe(lab.relay_ip, 25),
        ImapInbox(ServerToProbe(lab.imap_ip, 143, user.name, lab.password)),
    )


def with_tls(lab: Lab, user: LabUser) -> Route:
    """A submission server with a login, as most people have it."""
    login = f"username: {user.name}, password: {lab.password}, ca_file: {lab.ca}"
    context = ssl.create_default_context(cafile=lab.ca)
    return Route(
        "IMAP, TLS and login",
        f"{{host: {lab.relay_ip}, port: 587, tls: starttls, {login}}}",
        f"{{imap: {{host: {lab.imap_ip}, port: 993, tls: implicit, {login}}}}}",
        ServerToProbe(lab.relay_ip, 587, user.name, lab.password, context),
        ImapInbox(ServerToProbe(lab.imap_ip, 993, user.name, lab.password, context)),
    )


def to_a_maildir(lab: Lab, user: LabUser) -> Route:
    return Route(
        "Maildir",
        f"{{host: {lab.relay_ip}, port: 25, tls: none}}",
        f"{{maildir: {{path: {user.maildir}, folders: [INBOX]}}}}",
        ServerToProbe(lab.relay_ip, 25),
        MaildirInbox(user.maildir),
    )


ROUTES: tuple[Callable[[Lab, LabUser], Route], ...] = (in_plain_text, with_tls, to_a_maildir)


async def trips(lab: Lab) -> None:
    """The ratios, of each route at each rate."""
    for make in ROUTES:
        with lab.fresh_user() as user:
            route = make(lab, user)
            for load in LOADS:
                await _compare(route, user, load)


async def layers(lab: Lab) -> None:
    """Where the time goes, on each route, and where it goes in a bare loop."""
    for make in ROUTES:
        with lab.fresh_user() as user:
            route = make(lab, user)
            async with _bare(route, user) as trip:
                theirs = await _by_layer(trip)
            async with ours(route, user) as trip:
                mine = await _by_layer(trip)
        print(f"{route.name}, {PROFILED}: ms of CPU per trip{'mailtrip':>17}{'bare loop':>12}")
        for layer, spent in sorted(mine.items(), key=itemgetter(1), reverse=True):
            print(f"    {layer:44}{spent:12.2f}{theirs.get(layer, 0.0):12.2f}")


async def _by_layer(trip: Trip) -> dict[str, float]:
    """Milliseconds for each trip."""
    with Layers() as sampled:
        cost = await _measured(PROFILED, trip)
    whole = sum(sampled.seconds.values())
    parts = {name: cost.milliseconds * part / whole for name, part in sampled.seconds.items()}
    return {"all": cost.milliseconds, REST: 0.0, **parts}


async def _compare(route: Route, user: LabUser, load: Load) -> None:
    bare, full = [], []
    for _ in range(ROUNDS):
        async with _bare(route, user) as trip:
            bare.append(await _measured(load, trip))
        async with ours(route, user) as trip:
            full.append(await _measured(load, trip))
    theirs, mine = (min(costs, key=lambda cost: cost.cpu) for costs in (bare, full))
    show(
        f"a trip, {route.name}, {load}",
        mine.cpu / theirs.cpu,
        "bare loops",
        AIM,
        f"{mine.milliseconds:5.2f} ms of CPU, bare {theirs.milliseconds:5.2f}; {_reached(mine)},"
        f" bare {_reached(theirs)}",
    )


async def _measured(load: Load, trip: Trip) -> Cost:
    for _ in range(3):  # imports, caches, connections
        await trip()
    return await cost_of(load, trip)


def _reached(cost: Cost) -> str:
    failed = f", {cost.trips - cost.good} FAILED" if cost.good < cost.trips else ""
    return f"{cost.rate:.0f} trips/s{failed}"


@asynccontextmanager
async def _bare(route: Route, user: LabUser) -> AsyncIterator[Trip]:
    async with BareLoop(route.server, SENDER, user.address, route.inbox) as loop:
        yield loop.trip


@asynccontextmanager
async def ours(route: Route, user: LabUser) -> AsyncIterator[Trip]:
    """A mailtrip in this process."""
    async with running(route.settings) as app:
        yield trip_of(app, ProbeKey("trip", user.address))
