"""Look-ups by hand: the subjects that belong to a name, and what all lists say about them."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.blocklists import Blocklists, unknown
from exporter.blocklists.lookup import Lookup, SubjectAnswers
from exporter.blocklists.names import Subject, SubjectKind
from exporter.blocklists.public_resolvers import remark_on
from exporter.config.grammar import is_private
from exporter.core.model import Listing, ListState, ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import in_turns
from exporter.core.trace.trace import Trace
from exporter.net.dns.resolver import Resolver

LIMIT = 30.0  # seconds for a look-up
RESOLVING = 0.5  # of it, at most, for the addresses of a name
MOST_HOSTS = 16  # the name itself, and its exchangers
MOST_SUBJECTS = 16
MOST_LISTS = 200
MOST_QUESTIONS = 400  # subjects times lists
AT_A_TIME = 200  # addresses that are read at a time: a millisecond of work

Question = tuple[Blocklist, Subject]


class Lookups:
    """Looks up what a person names. An address is one subject; a name is one, with the domain that
    it is in, its addresses, and those of its exchangers. `limit` is in seconds."""

    def __init__(
        self, blocklists: Blocklists, resolver: Resolver, clock: Clock, limit: float = LIMIT
    ) -> None:
        self._blocklists = blocklists
        self._resolver = resolver
        self._clock = clock
        self._limit = limit

    async def run(self, what: Subject, lists: Sequence[Blocklist]) -> Lookup:
        """Never raises ProbeError: what cannot be resolved is a problem, and a list without an
        answer is unknown. It can be cancelled."""
        end = asyncio.get_running_loop().time() + self._limit
        problems, notes = list[str](), list[str]()
        subjects = {what: ""} | await self._related(what, lists, problems, notes)
        if len(lists) > MOST_LISTS:
            problems.append(f"there are {len(lists)} lists; only the first {MOST_LISTS} were asked")
            lists = lists[:MOST_LISTS]
        most = min(MOST_SUBJECTS, max(MOST_QUESTIONS // max(len(lists), 1), 1))
        if len(subjects) > most:
            others = sum(one.kind is SubjectKind.DOMAIN for one in subjects)
            problems.append(
                f"{what.text} has {len(subjects) - others} addresses; only"
                f" {max(most - others, 0)} of them were looked up"
            )
        chosen = list(subjects.items())[:most]
        fitting = [
            (one, subject) for subject, _ in chosen for one in lists if one.takes(subject.kind)
        ]
        questions = [one for one in fitting if one[0].may_know(one[1])]
        if private := dict.fromkeys(
            subject.text for one, subject in fitting if not one.may_know(subject)
        ):
            notes.append(
                f"{', '.join(private)}: not public, so no public list was asked: it knows nothing"
                " about it, and need not know that it exists"
            )
        found = await self._answers(questions, end)
        answers = tuple(
            SubjectAnswers(
                subject, origin, tuple(found[one] for one in questions if one[1] == subject)
            )
            for subject, origin in chosen
        )
        return Lookup(what, answers, tuple(problems), tuple(notes), self._remark(found.values()))

    async def _related(
        self, what: Subject, lists: Sequence[Blocklist], problems: list[str], notes: list[str]
    ) -> dict[Subject, str]:
        """The domain that a name is in, its addresses, and those of its exchangers, as far as the
        lists take them, each with its origin."""
        if what.kind is not SubjectKind.DOMAIN:
            return {}
        domains = [one.takes(SubjectKind.DOMAIN) for one in lists]
        resolved: dict[str, list[str] | ProbeError] = {}
        hosts: dict[str, str] = {}
        subjects: dict[Subject, str] = {}
        seconds = self._limit * RESOLVING
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                if any(domains):
                    group.create_task(self._domain(what.text, subjects, notes))
                if not all(domains):
                    hosts[what.text] = f"address of {what.text}"
                    group.create_task(self._resolve(what.text, resolved))
                    for host in await self._exchangers(what.text, problems):
                        if host not in hosts:
                            hosts[host] = f"address of the exchanger {host}"
                            group.create_task(self._resolve(host, resolved))
        except TimeoutError:
            problems.append(f"not all addresses were resolved within {seconds:g} s")
        for host, origin in hosts.items():
            match resolved.get(host):
                case ProbeError() as error:
                    problems.append(error.detail)
                case []:
                    notes.append(f"{host} has no address")
                case [*addresses]:
                    async for address in in_turns(addresses, AT_A_TIME):
                        subjects.setdefault(Subject.of(address), origin)
        return subjects

    async def _domain(self, name: str, subjects: dict[Subject, str], notes: list[str]) -> None:
        """Some lists of domains have no entries for the hosts in a domain."""
        try:
            zone = await self._resolver.zone_of(name)
        except ProbeError as error:
            notes.append(f"the domain of {name} is unknown: {error.detail}")
            return
        if zone != name and not is_private(zone):
            subjects[Subject(SubjectKind.DOMAIN, zone)] = f"domain of {name}"

    def _remark(self, listings: Collection[Listing]) -> str:
        """What is wrong with the resolver, by these answers."""
        known = self._blocklists.statistics
        lists = dict.fromkeys(one.blocklist for one in listings)
        refusing = [name for name in lists if name in known and known[name].refuses]
        try:
            servers = [(str(one.address), int(one.port)) for one in self._resolver.servers()]
        except ProbeError as error:
            return error.detail
        if remark := remark_on(servers, refusing):
            return remark
        if len(lists) < 2 or any(one.state is not ListState.UNKNOWN for one in listings):
            return ""
        return f"no list is usable: the cause is probably the resolver, asked {self._resolver}"

    async def _exchangers(self, domain: str, problems: list[str]) -> list[str]:
        try:
            exchangers = await self._resolver.exchangers(domain)
        except ProbeError as error:
            if error.reason is not Reason.NULL_MX and error.code != "NXDOMAIN":
                problems.append(error.detail)
            return []
        hosts = list(dict.fromkeys(one.host.lower() for one in exchangers))
        if len(hosts) > MOST_HOSTS:
            problems.append(
                f"{domain} has {len(hosts)} exchangers; only {MOST_HOSTS} were looked up"
            )
        return hosts[:MOST_HOSTS]

    async def _resolve(self, host: str, resolved: dict[str, list[str] | ProbeError]) -> None:
        try:
            resolved[host] = await self._resolver.published(host)
        except ProbeError as error:
            resolved[host] = error

    async def _answers(self, questions: Sequence[Question], end: float) -> dict[Question, Listing]:
        """A slow list does not delay the others. `end` is in the event loop's time."""
        answers: dict[Question, Listing] = {}
        trace = Trace(self._clock)

        async def put(blocklist: Blocklist, subject: Subject) -> None:
            answers[blocklist, subject] = await self._blocklists.look_up(blocklist, subject, trace)

        with suppress(TimeoutError):
            async with asyncio.timeout_at(end), asyncio.TaskGroup() as group:
                for question in questions:
                    group.create_task(put(*question))
        late = f"no answer within {self._limit:g} s"
        return self._blocklists.proven(
            {one: answers.get(one) or unknown(*one, late) for one in questions}, careful=True
        )
