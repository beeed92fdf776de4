"""`mailtrip lookup`: whether addresses and domains are on blocklists, without a configuration."""

import argparse
import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import urlsplit

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.blocklists import Blocklists
from exporter.blocklists.catalogue import entry
from exporter.blocklists.facts import check_zone
from exporter.blocklists.free_lists import free_lists
from exporter.blocklists.keys import split
from exporter.blocklists.lookup import Lookup
from exporter.blocklists.lookup_output import described
from exporter.blocklists.lookups import Lookups
from exporter.blocklists.names import Subject, SubjectKind
from exporter.blocklists.options import BlockListOptions
from exporter.commands.exit_status import FAILED, OK, UNKNOWN, CannotStart
from exporter.config.address import nameserver
from exporter.config.grammar import host_of
from exporter.config.resolver import DEFAULT_TIMEOUT
from exporter.core.logs import log_to_stderr
from exporter.core.model import ListState, ProbeError
from exporter.core.one_line import one_line
from exporter.core.timing.clock import Clock
from exporter.core.timing.lateness import Lateness
from exporter.net.dns.resolver import Resolver

REFUSALS = (CannotStart,)
"""What ends it with one clear line."""

MOST = 32  # names at once: lists limit the number of queries
STATUS = {ListState.LISTED: FAILED, ListState.CLEAN: OK, ListState.UNKNOWN: UNKNOWN}


@dataclass(frozen=True, slots=True)
class _Means:
    """What names are looked up with."""

    lists: Sequence[Blocklist]
    nameservers: Sequence[str]
    timeout: float = DEFAULT_TIMEOUT  # seconds


def run(options: argparse.Namespace) -> int:
    log_to_stderr("ERROR")
    means = _means(options)
    subjects = _subjects(options.names, means.lists)
    servers = _servers(means)
    found = asyncio.run(_look_up(subjects, means, quiet=options.json))
    state = _state(found)
    if options.json:
        lookups = [described(one) for one in found]
        print(json.dumps({"state": state, "nameservers": servers, "lookups": lookups}, indent=2))
    else:
        from exporter.commands.lookup_display import show
        from exporter.terminal.screen import Screen

        show(found, Screen())
    return STATUS[state]


def _state(found: Sequence[Lookup]) -> ListState:
    """Listed if one is; clean only if all are."""
    states = {one.state for one in found}
    order = (ListState.LISTED, ListState.UNKNOWN)
    return next((state for state in order if state in states), ListState.CLEAN)


def _means(options: argparse.Namespace) -> _Means:
    """Raises CannotStart and Mistakes."""
    lists = [_list(zone) for zone in dict.fromkeys(options.lists or ())]
    try:
        servers = [nameserver(text) for text in options.nameservers or ()]
    except ValueError as error:
        raise CannotStart(f"--nameserver: {error}") from None
    if not options.config_files:
        return _Means(lists or free_lists(), servers)
    from exporter.settings import Settings

    settings = Settings.load(*options.config_files)
    own = settings.resolver
    lists = lists or settings.blocklists
    return _Means(lists or free_lists(), servers or own.nameservers, own.timeout)


def _list(zone: str) -> Blocklist:
    """The list with this zone, by the catalogue if it is there. Raises CannotStart."""
    if "{" in zone or split(zone):
        raise CannotStart(
            "--list: other users can see a key on the command line: write the list into a"
            " configuration, and give it as --config.file"
        )
    try:
        zone = check_zone(zone)
    except ValueError as error:
        raise CannotStart(f"--list {one_line(zone, 80)!r}: {error}") from None
    known = entry(zone)
    domains = known is not None and SubjectKind.DOMAIN in known.asks
    return BlockListOptions(zone=zone).blocklist(domains=domains)


def _servers(means: _Means) -> list[str]:
    """HOST:PORT of those that will be queried. Raises CannotStart."""
    try:
        servers = Resolver(means.nameservers, means.timeout).servers()
    except ProbeError:
        raise CannotStart("no nameserver in /etc/resolv.conf: give one as --nameserver") from None
    return [
        f"[{one.address}]:{one.port}" if ":" in one.address else f"{one.address}:{one.port}"
        for one in servers
    ]


async def _look_up(subjects: Sequence[Subject], means: _Means, *, quiet: bool) -> list[Lookup]:
    with Lateness() as lateness:
        clock = Clock(late=lateness.between)
        resolver = Resolver(means.nameservers, means.timeout, clock=clock)
        blocklists = Blocklists(resolver, clock)
        lookups = Lookups(blocklists, resolver, clock)
        try:
            running = asyncio.gather(*(lookups.run(one, means.lists) for one in subjects))
            if quiet:
                return await running
            from exporter.terminal.screen import Screen

            with Screen(stderr=True).status(f"asking {len(means.lists)} lists …"):
                return await running
        finally:
            await blocklists.close()


def _subjects(names: Sequence[str], lists: Sequence[Blocklist]) -> list[Subject]:
    """What is to be looked up, each once. Raises CannotStart with a line for each mistake."""
    if len(names) > MOST:
        raise CannotStart(
            f"{len(names)} names at once: lists limit the number of queries; give at most {MOST}"
        )
    found, mistakes = dict[Subject, None](), list[str]()
    for name in names:
        try:
            subject = _subject(name.strip())
            _expect_known(subject, lists)
        except ValueError as error:
            mistakes.append(f"{one_line(name, 80)!r}: {error}")
        else:
            found[subject] = None
    if mistakes:
        raise CannotStart("\nmailtrip: ".join(mistakes))
    return [*found]


def _subject(name: str) -> Subject:
    """Raises ValueError with the cure."""
    try:
        return Subject.of(name)
    except ValueError as error:
        raise ValueError(next(_meant(name), str(error))) from None


def _expect_known(subject: Subject, lists: Sequence[Blocklist]) -> None:
    """Raises ValueError with the cure if no list may know it: what is private stays inside."""
    if subject.is_public or not all(one.public for one in lists):
        return
    if subject.kind is not SubjectKind.DOMAIN:
        raise ValueError(
            "not a public address, so no list knows it: look up the address that your mail leaves"
            " from, as the receiving server sees it"
        )
    if "." not in subject.text:
        raise ValueError("a single word: write the whole name, such as mail.example.org")
    raise ValueError(
        "a name for private use, so no list knows it: look up the public name of the server, or the"
        " address that your mail leaves from"
    )


def _meant(text: str) -> Iterator[str]:
    """What was probably meant by something that is no address and no domain."""
    host = ""
    if "://" in text:
        with suppress(ValueError):
            host = host_of(urlsplit(text).hostname or "") or ""
        yield from [f"a URL: look up its host, {host}"] if host else []
    elif "@" in text:
        host = host_of(text.rpartition("@")[2].strip("<>[] ")) or ""
        yield from [f"an e-mail address: look up its domain, {host}"] if host else []
    elif "/" in text:
        with suppress(ValueError):
            network = ip_network(text, strict=False)
            single = network[min(1, network.num_addresses - 1)]
            yield f"a network: look up single addresses, such as {single}"
        host = host_of(text.partition("/")[0]) or ""
        yield from [f"not a host: look up {host}"] if host else []
    elif port := re.fullmatch(r"\[?([^\[\]]+)\]?:[0-9]+", text):
        host = host_of(port[1]) or ""
        yield from [f"write it without the port: {host}"] if host else []
