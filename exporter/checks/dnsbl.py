"""Queries every blocklist about every address of a target, concurrently, and reports listings."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.blocklists import Blocklists, unknown
from exporter.blocklists.list_status import Query
from exporter.blocklists.names import Subject
from exporter.checks.check import QueryCheck
from exporter.checks.dnsbl_options import DnsblOptions
from exporter.checks.dnsbl_subjects import SPARE, Subjects
from exporter.checks.dnsbl_verdict import listed, require_an_answer
from exporter.core.model import Listing, ListState, ProbeError, QueriedList, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.core.trace.starvation import blamed
from exporter.net.dns.resolver import Resolver

UNANSWERED = "no answer within the module's timeout"

Question = tuple[Blocklist, Subject]


class BlocklistCheck(QueryCheck):
    """Queries the blocklists of one module about one target. `left_from` returns the address that a
    probe's mail left from."""

    def __init__(
        self,
        options: DnsblOptions,
        target: str,
        resolver: Resolver,
        blocklists: Blocklists,
        left_from: Callable[[str], str],
    ) -> None:
        self._all = blocklists
        self._resolver = resolver
        self._lists = [entry.blocklist() for entry in options.lists]
        self._domain_lists = [entry.blocklist(domains=True) for entry in options.domain_lists]
        self.blocklists = options.scope({}).blocklists
        self._subjects = Subjects(
            target,
            resolver,
            left_from,
            resolved=bool(self._lists),
            expand=options.expand is not None,
            sender=options.addresses.from_probe if options.addresses else "",
        )

    async def run(self, run: Run) -> None:
        """Raises ProbeError if the target is listed, or if that is unknown. Every answer becomes a
        fact."""
        async with run.phase(Phase.VERIFY):
            subjects, problem = await self._subjects.find(run)
            questions = self._questions(subjects)
            with run.step(
                Step.RESOLVE, f"{len(questions)} queries to {len(self.blocklists)} lists"
            ):
                listings = await self._answers(questions, run)
            run.facts.extend(listings)
            if bad := [one for one in listings if one.alarming and one.state is ListState.LISTED]:
                raise listed(bad)
            if problem:
                raise problem
            try:
                require_an_answer(listings, subjects)
            except ProbeError as error:
                late = run.clock.late_since(run.started)
                raise blamed(error, late, self._resolver.timeout) from None

    def _questions(self, subjects: Iterable[Subject]) -> list[Question]:
        return [
            (blocklist, subject)
            for subject in subjects
            for blocklist in (*self._domain_lists, *self._lists)
            if blocklist.takes(subject.kind)
        ]

    async def _answers(self, questions: Sequence[Question], run: Run) -> list[Listing]:
        """The answers of the lists, in the order of the queries. A slow list does not delay the
        others."""
        answers: dict[Question, Listing] = {}
        queries: list[Query] = []
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(max(run.time_left() * (1 - SPARE), 0.0)),
                asyncio.TaskGroup() as group,
            ):
                for question in questions:
                    group.create_task(self._put(question, run, answers, queries))
        run.facts.extend(self._status(questions, queries))
        found = self._all.proven(
            {one: answers.get(one) or unknown(*one, UNANSWERED) for one in questions}, careful=False
        )
        return [found[one] for one in questions]

    async def _put(
        self, question: Question, run: Run, answers: dict[Question, Listing], queries: list[Query]
    ) -> None:
        blocklist, subject = question
        start = run.now()
        answer = answers[question] = await self._all.look_up(
            blocklist, subject, run, queries.append
        )
        note = f"{subject.text} on {blocklist.name}"
        run.add(
            Span(
                Phase.VERIFY,
                Step.RESOLVE,
                start - run.started,
                run.now() - start,
                _reason(answer),
                note,
            )
        )

    def _status(self, questions: Sequence[Question], queries: Iterable[Query]) -> list[QueriedList]:
        """The status of each list that was queried."""
        durations, failures = (
            defaultdict[str, list[float]](list),
            defaultdict[str, Counter[str]](Counter),
        )
        for query in queries:
            if query.duration is not None:
                durations[query.blocklist].append(query.duration)
            if query.failure:
                failures[query.blocklist][query.failure] += 1
        asked = []
        for name in dict.fromkeys(one.name for one, subject in questions if one.may_know(subject)):
            status = self._all.statistics.get(name)
            usable, why = (bool(status.usable), status.why) if status else (False, "")
            failed = tuple(sorted(failures[name].elements()))
            asked.append(QueriedList(name, usable, why, tuple(durations[name]), failed))
        return asked


def _reason(answer: Listing) -> Reason | None:
    if not answer.alarming or answer.state is ListState.CLEAN:
        return None
    return Reason.LISTED if answer.state is ListState.LISTED else Reason.UNUSABLE
