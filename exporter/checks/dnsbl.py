"""Ask every blocklist about every address of a target, all at once, and say who lists it."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from exporter.blocklists import Blocklist, Blocklists, Query, Subject, SubjectKind
from exporter.checks.dnsbl_options import DnsblOptions
from exporter.core.model import Asked, Listing, ListState, Phase, ProbeError, Reason, Span, Step
from exporter.core.run import Run
from exporter.net.dns import Resolver

MOST_ADDRESSES = 64
SPARE = 0.05  # of the time that is left is kept for the verdict, when a list does not answer at all
PATIENCE = 60.0  # seconds for a probe's first message to come
LOOK_AGAIN = 1.0  # seconds between two looks whether it has
_SEVERITIES = ("high", "medium", "low")

Question = tuple[Blocklist, Subject]


class BlocklistCheck:
    """Asks the blocklists of one module about one target. `left_from` says from which address a
    probe's mail left."""

    def __init__(
        self,
        options: DnsblOptions,
        target: str,
        resolver: Resolver,
        blocklists: Blocklists,
        left_from: Callable[[str], str],
    ) -> None:
        self._target = Subject.of(target)
        self._resolver = resolver
        self._all = blocklists
        self._left_from = left_from
        self._sender = options.addresses.from_probe if options.addresses else ""
        self._expand = options.expand
        self._lists = [entry.blocklist() for entry in options.lists]
        self._domain_lists = [entry.blocklist(domains=True) for entry in options.domain_lists]
        self.blocklists = tuple(
            dict.fromkeys(one.name for one in (*self._lists, *self._domain_lists))
        )

    async def run(self, run: Run) -> None:
        """Raises ProbeError if the target is listed, or if that is unknown. What every list says
        becomes a fact."""
        async with run.phase(Phase.VERIFY):
            subjects, problem = await self._subjects(run)
            questions = self._questions(subjects)
            with run.step(
                Step.RESOLVE, f"{len(questions)} queries to {len(self.blocklists)} lists"
            ):
                listings = await self._answers(questions, run)
            run.facts.extend(listings)
            if listed := [
                one for one in listings if one.alarming and one.state is ListState.LISTED
            ]:
                raise _listed(listed)
            if problem:
                raise problem
            _require_an_answer(listings, subjects)

    # ---------------------------------------------------------------- whom to ask about

    async def _subjects(self, run: Run) -> tuple[list[Subject], ProbeError | None]:
        """What to ask about; and what kept us from finding the rest, which must not pass for
        clean."""
        if self._target.kind is not SubjectKind.DOMAIN or not self._lists:
            return [self._target], None
        addresses, problem = await self._addresses(run)
        found = list(dict.fromkeys(map(Subject.of, addresses)))
        if len(found) > MOST_ADDRESSES:
            text = (
                f"{self._target.text} has {len(found)} addresses; only {MOST_ADDRESSES} of them are"
                " checked"
            )
            problem = ProbeError(Reason.DNS, text)
        return [self._target, *found[:MOST_ADDRESSES]], problem

    async def _addresses(self, run: Run) -> tuple[list[str], ProbeError | None]:
        """All that can be found. One exchanger that has none does not keep the others from being
        asked about."""
        addresses: list[str] = []
        problem: ProbeError | None = None
        try:
            if self._sender:
                return [await self._sent_from(run)], None
            hosts = await self._hosts(run)
        except ProbeError as error:
            return [], run.located(error)
        for host in hosts:
            try:
                with run.step(Step.RESOLVE, f"addresses of {host}"):
                    addresses += await self._resolver.addresses(host)
            except ProbeError as error:
                problem = problem or run.located(error)
        return addresses, problem

    async def _hosts(self, run: Run) -> list[str]:
        """The target itself, or its exchangers. A domain without MX records is its own (RFC 5321
        section 5.1)."""
        domain = self._target.text
        if not self._expand:
            return [domain]
        with run.step(Step.RESOLVE, f"MX of {domain}"):
            exchangers = await self._resolver.exchangers(domain)
        return [one.host for one in exchangers[:MOST_ADDRESSES]] or [domain]

    async def _sent_from(self, run: Run) -> str:
        """After the very first start the probe's message may still be on its way, so there is some
        patience."""
        patience = min(PATIENCE, run.time_left() * (1 - SPARE))
        with run.step(Step.RESOLVE, f"source address of the probe {self._sender}"):
            while not (address := self._left_from(self._sender)):
                if patience < LOOK_AGAIN:
                    problem = f"no message of the probe {self._sender} has arrived yet"
                    raise ProbeError(
                        Reason.UNUSABLE,
                        f"{problem}, so its source address is unknown",
                    )
                patience -= LOOK_AGAIN
                await asyncio.sleep(LOOK_AGAIN)
        return address

    def _questions(self, subjects: Iterable[Subject]) -> list[Question]:
        return [
            (blocklist, subject)
            for subject in subjects
            for blocklist in (*self._domain_lists, *self._lists)
            if blocklist.takes(subject.kind)
        ]

    # ---------------------------------------------------------------- asking

    async def _answers(self, questions: Sequence[Question], run: Run) -> list[Listing]:
        """What the lists say, in the order of the questions. Who is not done in time does not hold
        up the others."""
        answers: dict[Question, Listing] = {}
        queries: list[Query] = []
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(max(run.time_left() * (1 - SPARE), 0.0)),
                asyncio.TaskGroup() as group,
            ):
                for question in questions:
                    group.create_task(self._put(question, run, answers, queries))
        run.facts.extend(self._standing(questions, queries))
        return [answers.get(question) or _unanswered(*question) for question in questions]

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

    def _standing(self, questions: Sequence[Question], queries: Iterable[Query]) -> list[Asked]:
        """How each list that was asked behaved."""
        durations, failures = (
            defaultdict[str, list[float]](list),
            defaultdict[str, Counter[str]](Counter),
        )
        for query in queries:
            durations[query.blocklist].append(query.duration)
            if query.failure:
                failures[query.blocklist][query.failure] += 1
        asked = []
        for name in dict.fromkeys(blocklist.name for blocklist, _ in questions):
            standing = self._all.statistics.get(name)
            usable, why = (bool(standing.usable), standing.why) if standing else (False, "")
            failed = tuple(sorted(failures[name].elements()))
            asked.append(Asked(name, usable, why, tuple(durations[name]), failed))
        return asked


# ---------------------------------------------------------------- the verdict


def _reason(answer: Listing) -> Reason | None:
    if not answer.alarming or answer.state is ListState.CLEAN:
        return None
    return Reason.LISTED if answer.state is ListState.LISTED else Reason.UNUSABLE


def _unanswered(blocklist: Blocklist, subject: Subject) -> Listing:
    text = "no answer within the module's timeout"
    return Listing(
        blocklist.name,
        subject.text,
        ListState.UNKNOWN,
        text=text,
        alarming=blocklist.alarming,
        severity=blocklist.severity,
        delisting=blocklist.delisting,
    )


def _listed(listings: list[Listing]) -> ProbeError:
    """The lists that matter most come first, since a long line is cut."""
    ordered = sorted(
        listings,
        key=lambda one: _SEVERITIES.index(one.severity) if one.severity in _SEVERITIES else 9,
    )
    by_subject: dict[str, list[str]] = {}
    for one in ordered:
        by_subject.setdefault(one.subject, []).append(f"{one.blocklist} ({' '.join(one.codes)})")
    detail = "; ".join(
        f"{subject} is listed on {', '.join(lists)}" for subject, lists in by_subject.items()
    )
    return ProbeError(Reason.LISTED, detail, code=next(iter(ordered[0].codes), ""))


def _require_an_answer(listings: list[Listing], subjects: list[Subject]) -> None:
    """At least one list must have said something, one that blocks if there is any. Silence is not
    clean."""
    if not listings:
        about = ", ".join(subject.text for subject in subjects)
        raise ProbeError(Reason.UNUSABLE, f"no list can be queried for {about}")
    judges = [one for one in listings if one.alarming] or listings
    if all(one.state is ListState.UNKNOWN for one in judges):
        why = dict.fromkeys(f"{one.blocklist}: {one.text}" for one in judges)
        raise ProbeError(Reason.UNUSABLE, f"no list could be queried: {'; '.join(why)}")
