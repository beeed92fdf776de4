"""A part of `make bench`: what disturbs one probe, and what another one beside it notices.

A probe makes trips one after another, first alone, then beside each disturbance. Its trips may take
50 ms longer. What no other load of the machine changes is the longest turn of the event loop, in
processor time.
"""

import asyncio
import gc
import os
import shutil
import socket
import threading
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from http.client import HTTPConnection
from itertools import count
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import bcrypt

from exporter.app import App
from exporter.config.types import Listen
from exporter.core.model import ProbeKey
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.web.middleware import Middleware
from exporter.web.pages.pages import Pages
from exporter.web.resources import Resources
from exporter.web.server import Server
from exporter.web.web_config import WebConfigFile
from tests.bench.figures import show
from tests.bench.overload import serve_mail
from tests.lab.client import Lab, LabUser
from tests.support.imap_attacker import Ticker
from tests.support.ports import free_port

MESSAGES = 100_000
PROBES = 10_000
LOGINS = 256
TRIPS = 40
MOST = 50.0  # milliseconds by which a trip may take longer
LONGEST_TURN = 10.0  # milliseconds of processor time

CONFIGURATION = """
mailboxes:
  here: {{maildir: {{path: {directory}/Maildir}}}}
  large: {{maildir: {{path: {directory}/large}}}}
  pop: {{pop3: {{host: 127.0.0.1, port: {pop3}, tls: none, username: u, password: password}}}}
  hostile: {{imap: {{host: 127.0.0.1, port: {imap}, tls: none, username: u, password: password}}}}
  dovecot: {{imap: {{host: {lab.imap_ip}, tls: none, username: {user.name}, password: {lab.password}}}}}
  dovecot_pop: {{pop3: {{host: {lab.imap_ip}, tls: none, username: {user.name},
      password: {lab.password}}}}}
modules:
  plain: &m
    timeout: 60s
    targets: ["*@example.org"]
    roundtrip: &r {{from: m@example.org, mailbox: here,
        send: {{smtp: {{host: 127.0.0.1, port: {smtp}, tls: none}}}}}}
  maildir: {{<<: *m, roundtrip: {{<<: *r, mailbox: large}}}}
  pop3: {{<<: *m, roundtrip: {{<<: *r, mailbox: pop}}}}
  imap: {{<<: *m, roundtrip: {{<<: *r, mailbox: hostile}}}}
  dovecot: &d {{targets: ["*@lab.test"], roundtrip: &l {{from: m@lab.test, mailbox: dovecot,
        send: {{smtp: {{host: {lab.relay_ip}, port: 25, tls: none}}}}}}}}
  dovecot_pop: {{<<: *d, roundtrip: {{<<: *l, mailbox: dovecot_pop}}}}
"""  # noqa: E501
ANSWERS = (
    b"* OK still here\r\n" * 3000,
    b"* 1 FETCH (" + b"(" * 900_000 + b"\r\n",
    b'* 1 FETCH ("' + b'\\"' * 300_000 + b"\r\n",
    b"* CAPABILITY" + b" A" * 400_000 + b"\r\n",
)
"""Of a hostile IMAP server, in turns."""


def isolation(lab: Lab) -> None:
    with (
        TemporaryDirectory() as place,
        _large_mailbox(lab) as user,
        _servers(Path(place), lab, user) as text,
    ):
        asyncio.run(_measured(Path(place), text, user))


async def _measured(directory: Path, text: str, user: LabUser) -> None:
    settings = Settings.parse(text.encode(), "bench.yml")
    async with App(settings, Store.open(None), new_key()) as app:
        gc.collect()
        gc.freeze()
        disturbances: dict[str, Callable[[], AbstractAsyncContextManager[None]]] = {
            f"a Maildir with {MESSAGES:,} messages": partial(_maildir, app, directory / "large"),
            f"a POP3 maildrop with {MESSAGES:,} messages": partial(_trips, app, "pop3"),
            f"an IMAP mailbox with {MESSAGES:,} messages": partial(
                _trips, app, "dovecot", user.address
            ),
            "the same one by POP3": partial(_trips, app, "dovecot_pop", user.address),
            "a hostile IMAP server": partial(_trips, app, "imap"),
            f"a page of {PROBES:,} probes": partial(_page, app),
            f"{LOGINS} wrong logins at once": partial(_logins, app, directory),
        }
        await _neighbour(app)  # imports, caches
        for name, disturbed in disturbances.items():
            alone, _ = await _neighbour(app)
            async with disturbed():
                beside, turn = await _neighbour(app)
            longer = (median(beside) - median(alone)) * 1000
            at_most = (max(beside) - max(alone)) * 1000
            show(
                f"beside {name}", longer, "ms longer", MOST, f"the slowest trip: {at_most:+.0f} ms"
            )
            show("  the longest turn of the event loop", turn * 1000, "ms of CPU", LONGEST_TURN)


async def _neighbour(app: App) -> tuple[list[float], float]:
    """How long its trips took, and the longest turn meanwhile; in seconds."""
    probe = app.probes.get_or_create(ProbeKey("plain", "a@example.org"))
    took, ticker = [], Ticker()
    for _ in range(TRIPS):
        outcome = await app.prober.start(probe)
        assert outcome.success, outcome.failure
        took.append(outcome.duration)
    ticker.stop()
    return took, ticker.longest


@asynccontextmanager
async def _trips(app: App, module: str, target: str = "b@example.org") -> AsyncIterator[None]:
    """Trips one after the other, always two. Only those in the lab find their message, and delete
    it."""
    probe = app.probes.get_or_create(ProbeKey(module, target))

    async def go_on() -> None:
        while True:
            await asyncio.wait([app.prober.start(probe)], timeout=5)

    tasks = [asyncio.create_task(go_on()) for _ in range(2)]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await app.prober.abandon(probe)


@asynccontextmanager
async def _maildir(app: App, large: Path) -> AsyncIterator[None]:
    """Foreign mail arrives, five messages a second."""

    async def deliver() -> None:
        for number in range(MESSAGES):
            (large / "new" / f"1800000000.M{number}P1.host").write_bytes(b"Subject: x\r\n\r\nx\r\n")
            await asyncio.sleep(0.2)

    async with _trips(app, "maildir"):
        delivering = asyncio.create_task(deliver())
        try:
            yield
        finally:
            delivering.cancel()


@asynccontextmanager
async def _page(app: App) -> AsyncIterator[None]:
    for number in range(PROBES):
        app.probes.get_or_create(ProbeKey("plain", f"user{number}@example.org"))
    async with _served(app, Middleware(), _pages, 1):
        yield


def _pages(host: str, port: int, number: int) -> None:
    """A reader who turns the pages quickly."""
    connection = HTTPConnection(host, port)
    for page in count():
        connection.request("GET", f"/?page={page % 100 + 1}", headers={"Accept-Encoding": "gzip"})
        assert connection.getresponse().read()
        time.sleep(0.2)


@asynccontextmanager
async def _logins(app: App, directory: Path) -> AsyncIterator[None]:
    hashed = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(10)).decode()
    file = directory / "web.yml"
    file.write_text(f"basic_auth_users: {{alice: {hashed}}}\n")
    async with _served(app, Middleware(WebConfigFile(str(file))), _guesses, LOGINS):
        yield


def _guesses(host: str, port: int, number: int) -> None:
    """From eight addresses, since one may have 32 logins that wait."""
    for guess in count():
        login = b64encode(f"alice:{number} {guess}".encode()).decode()
        with suppress(OSError):
            connection = HTTPConnection(host, port, source_address=(f"127.0.1.{number % 8 + 1}", 0))
            connection.request("GET", "/-/healthy", headers={"Authorization": f"Basic {login}"})
            connection.getresponse().read()
            connection.close()


@asynccontextmanager
async def _served(
    app: App,
    middleware: Middleware,
    client: Callable[[str, int, int], None],
    clients: int,
) -> AsyncIterator[None]:
    """A server, and a process whose threads are its clients."""
    pages = Pages(app.probes, app.store, app.watchers, app.clock.wall)
    listen = [Listen("127.0.0.1:0")]
    async with Server(
        Resources(app.probes, app.metrics, pages), listen, middleware=middleware
    ) as server:
        host, port = server.addresses[0]
        spawn = get_context("spawn")
        begun = spawn.Event()
        process = spawn.Process(
            target=_clients, args=(client, host, port, clients, begun), daemon=True
        )
        process.start()
        await asyncio.to_thread(begun.wait)
        try:
            yield
        finally:
            process.kill()


def _clients(
    client: Callable[[str, int, int], None], host: str, port: int, clients: int, begun: Event
) -> None:
    for number in range(clients):
        threading.Thread(target=client, args=(host, port, number)).start()
    begun.set()


@contextmanager
def _large_mailbox(lab: Lab) -> Iterator[LabUser]:
    """Somebody who has not deleted a message for years."""
    with lab.fresh_user() as user:
        home = os.stat(user.maildir.parent)
        cur = user.maildir / "cur"
        cur.mkdir(parents=True, exist_ok=True)
        for place in (user.maildir, cur):
            os.chown(place, home.st_uid, home.st_gid)
        try:
            for name in _foreign_messages(cur):
                os.chown(name, home.st_uid, home.st_gid)
            yield user
        finally:
            shutil.rmtree(user.maildir)


def _foreign_messages(cur: Path) -> Iterator[Path]:
    for number in range(MESSAGES):
        name = cur / f"{1_700_000_000 + number}.M1P1.host:2,S"
        descriptor = os.open(name, os.O_CREAT | os.O_WRONLY)
        os.write(descriptor, b"Subject: x\n\nx\n")
        os.close(descriptor)
        yield name


@contextmanager
def _servers(directory: Path, lab: Lab, user: LabUser) -> Iterator[str]:
    """The configuration for servers in processes of their own, and for Maildirs."""
    for name in ("Maildir", "large"):
        for sub in ("new", "cur", "tmp"):
            (directory / name / sub).mkdir(parents=True)
    for _ in _foreign_messages(directory / "large/cur"):
        pass
    spawn = get_context("spawn")
    smtp, ports = free_port(), spawn.Queue()
    processes = [
        spawn.Process(target=serve_mail, args=(directory / "Maildir", smtp), daemon=True),
        spawn.Process(target=_serve, args=(_pop3, ports), daemon=True),
        spawn.Process(target=_serve, args=(_imap, ports), daemon=True),
    ]
    for process in processes:
        process.start()
    found = dict(ports.get() for _ in range(2))
    while not _listens(smtp):
        time.sleep(0.1)
    try:
        yield CONFIGURATION.format(
            directory=directory,
            smtp=smtp,
            pop3=found["_pop3"],
            imap=found["_imap"],
            lab=lab,
            user=user,
        )
    finally:
        for process in processes:
            process.kill()


def _listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def _serve(speak: Callable[[socket.socket], None], ports: "Queue[tuple[str, int]]") -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ports.put((speak.__name__, server.getsockname()[1]))
        while True:
            client, _ = server.accept()
            threading.Thread(target=_spoken, args=(speak, client), daemon=True).start()


def _spoken(speak: Callable[[socket.socket], None], client: socket.socket) -> None:
    with client, suppress(OSError):
        speak(client)


def _pop3(client: socket.socket) -> None:
    lines = b"".join(b"%d %016xabcdef\r\n" % (number, number) for number in range(1, MESSAGES + 1))
    answers = {
        b"CAPA": b"USER\r\nTOP\r\nUIDL\r\n.\r\n",
        b"UIDL": lines + b".\r\n",
        b"TOP": b"Subject: x\r\n\r\nx\r\n.\r\n",
    }
    client.sendall(b"+OK\r\n")
    for line in client.makefile("rb"):
        client.sendall(b"+OK\r\n" + answers.get(line.split()[0], b""))
        if line.startswith(b"QUIT"):
            break


def _imap(client: socket.socket) -> None:
    client.sendall(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")
    for number, line in enumerate(client.makefile("rb")):
        client.sendall(ANSWERS[number % len(ANSWERS)] + line.split()[0] + b" OK\r\n")


if __name__ == "__main__":
    began = time.perf_counter()
    laboratory = Lab()
    laboratory.up()
    isolation(laboratory)
    print(f"{time.perf_counter() - began:.0f} s")
