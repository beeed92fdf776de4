"""A running mailtrip: starts the parts that make trips and those that report them, reacts to
signals, and stops."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from exporter.app import TIME_TO_STOP, App
from exporter.commands.garbage import GarbageCollector
from exporter.commands.local_socket import runtime_directory, socket_in
from exporter.commands.reloading import Reloader
from exporter.commands.token_key import key_of
from exporter.core.timing.clock import Clock
from exporter.core.timing.lateness import Lateness
from exporter.probing.probes import DEFAULT_MAX_TARGETS
from exporter.probing.scheduler import Scheduler
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.web.api.routes import api
from exporter.web.external_url import ExternalUrl
from exporter.web.grafana import NO_GRAFANA, Grafana
from exporter.web.listeners import CannotListen, Listener, PrivatePath
from exporter.web.lookups_now import LookupsNow
from exporter.web.middleware import Middleware
from exporter.web.pages.documentation import PUBLISHED, Documentation
from exporter.web.pages.pages import Pages, PageSettings
from exporter.web.pages.time_zone import UTC_ZONE, TimeZone
from exporter.web.resources import Resources
from exporter.web.server import NO_EXTERNAL_URL, Server
from exporter.web.web_config import WebConfigFile

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """The options from the command line."""

    listeners: Sequence[Listener]
    max_targets: int = DEFAULT_MAX_TARGETS
    admin_api: bool = False
    web_config_file: WebConfigFile | None = None
    external_url: ExternalUrl = field(default_factory=ExternalUrl)
    time_zone: TimeZone = UTC_ZONE  # of the pages
    read: Callable[[], Settings] = Settings.embedded  # the configuration, again
    # What differs when the configuration's files have changed.
    files: Callable[[], object] = lambda: None
    files_as_read: object = None  # what that was when the settings were read
    demonstration: str = ""  # a configuration to begin with, if none is given
    config_files: Sequence[str] = ()  # by their absolute paths; empty: none is given
    watch: bool = False  # them, and reload
    grafana: Grafana = NO_GRAFANA  # where the dashboards are
    documentation: Documentation = PUBLISHED  # where the pages lead to
    ready: Callable[[], None] = lambda: None  # called once, when the state and the web are open
    stopping: Callable[[], None] = lambda: None  # called once, when we are asked to stop


# Seconds after which a thread that computes gives way to the event loop. With the 5 ms that are
# usual, a trip of forty turns takes 200 ms longer beside a thread that reads a large Maildir.
SWITCH_INTERVAL = 0.0005


async def serve(settings: Settings, state_dir: Path, options: Options) -> None:
    """Runs until SIGINT or SIGTERM; a second one ends it at once. Raises StateUnusable and
    CannotListen."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    stop, asked = _stop_event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one that came early comes now
    async with AsyncExitStack() as stack:
        clock = Clock(late=stack.enter_context(Lateness()).between)
        store = Store.open(state_dir, keep=settings.state.keep)
        key = key_of(settings.state, state_dir)
        app = await stack.enter_async_context(App(settings, store, key, options.max_targets, clock))
        if options.external_url.url:
            app.metrics.exporter.show_external_url(options.external_url.url)
        app.recover()  # before any request: a scrape must not start a trip that is in progress
        admin = options.admin_api
        pages = Pages(
            app.probes,
            app.store,
            app.watchers,
            app.clock.wall,
            app.maintenance,
            PageSettings(
                admin=admin,
                files=options.config_files,
                zone=options.time_zone,
                demonstration=options.demonstration,
                grafana=options.grafana,
                documentation=options.documentation,
            ),
        )
        lookups = LookupsNow(app.lookups, app.probes, app.store, app.clock)
        scheduler = Scheduler(app.prober, app.clock, lambda: app.probes.named)
        garbage = GarbageCollector()

        def apply(new: Settings) -> None:
            app.configure(new)
            scheduler.changed()
            asyncio.get_running_loop().call_soon(garbage.collect)  # the old settings

        reloader = Reloader(
            options.read,
            apply,
            app.metrics.exporter,
            app.clock,
            asked,
            options.files,
            options.files_as_read,
        )

        def server_at(
            listeners: Sequence[Listener],
            external_url: ExternalUrl = NO_EXTERNAL_URL,
            middleware: Middleware | None = None,
            *,
            admin: bool,
        ) -> Server:
            frame = api(
                app.probes,
                app.store,
                app.watchers,
                app.clock,
                app.windows,
                lookups,
                external_url.prefix,
                admin=admin,
            )
            resources = Resources(app.probes, app.metrics, pages, frame, lookups, reloader.reload)
            return Server(resources, listeners, middleware=middleware, external_url=external_url)

        middleware = Middleware(options.web_config_file)
        server = server_at(options.listeners, options.external_url, middleware, admin=admin)
        await stack.enter_async_context(server)
        own_socket = PrivatePath(socket_in(runtime_directory() or state_dir))
        try:
            await stack.enter_async_context(server_at([own_socket], admin=True))
        except CannotListen as error:
            log.warning("%s: commands such as probe cannot use this mailtrip", error)
        garbage.start()
        stack.callback(garbage.stop)
        options.ready()
        loops = (
            scheduler.run(),
            app.run_housekeeping(),
            reloader.run(watch=options.watch),
            garbage.run(),
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            await stop.wait()
            app.stop_by = asyncio.get_running_loop().time() + TIME_TO_STOP
            options.stopping()
            log.info("stopping; trips in progress stay pending")
            for task in tasks:
                task.cancel()


def _stop_event() -> asyncio.Event:
    """An event that the first signal to stop sets. The second signal has its default effect."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop_once() -> None:
        stop.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, stop_once)
    return stop
