"""Opens a mailbox, sends a signed message, waits for it, checks it, deletes it."""

import asyncio
import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import NoReturn

from exporter.authentication import Authenticator
from exporter.checks.answer import answer_of, undelivered
from exporter.checks.authentication import authenticate, client_outside, unauthenticated
from exporter.checks.check import ExchangerCheck
from exporter.checks.content import ContentUnusable
from exporter.checks.options import RoundtripOptions
from exporter.checks.signing import DkimSigner
from exporter.checks.standing import Standing
from exporter.config.address import TRIP_PLACE
from exporter.config.types import duration_text
from exporter.core.facts import (
    Alteration,
    Arrival,
    ArrivedHeaders,
    Client,
    FilterTest,
    Hop,
    InboxTab,
    LeftFrom,
)
from exporter.core.home import Home
from exporter.core.model import MAX_FOLDER, Exchanger, Fact, ProbeError
from exporter.core.one_line import one_line
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import Content, ProbeMessage, compose
from exporter.mail.headers.authentication import authentication
from exporter.mail.headers.received import hops
from exporter.mail.headers.receiver import left_from
from exporter.mail.headers.shown import shown
from exporter.mail.headers.spam import spam_scores
from exporter.mail.message import headers, received
from exporter.mail.payloads import is_removed
from exporter.mail.tokens import Token
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.expectation import Expectation, Found
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.senders.kind import Sender, SendsThroughEach
from exporter.senders.pace import Pace

FILE = "file"  # the code of a file of the message that cannot be used


class RoundTrip(ExchangerCheck):
    """The round trips of one module to one target."""

    def __init__(
        self,
        options: RoundtripOptions,
        target: str,
        watchers: Mapping[str, Watcher],
        pace: Pace,
        sender: Sender,
        authenticator: Authenticator | None = None,
        standing: Standing | None = None,
    ) -> None:
        self.mailbox = options.mailbox or ""
        self.late_after = options.late_after
        self.home = Home(options.home)
        self.visits_each = options.send.how.visits_each
        names = filter(None, (options.mailbox, options.bounces))
        # A trip keeps its mailbox across reloads.
        self._watchers = {name: watchers[name] for name in names}
        self._bounces = options.bounces
        self._pace = pace
        more = tuple(options.headers.items())
        payload = options.payload or ""
        self._content = Content(options.subject, more, options.size or 0, payload, self.home)
        self._own = options.content
        self._test = FilterTest(options.expect.chosen[0], payload) if options.expect else None
        codes = options.expect.code if options.expect else None
        self._refusals = frozenset(map(str, codes or ()))
        self._junk_fails = options.junk == "fail" and not self._test
        self._trusted = options.trusted_authserv_id
        self._required = tuple(options.require)
        self._authenticator = authenticator
        self._standing = standing
        self._from = options.sender
        self._to = options.to.replace("{target}", target)
        dkim = options.dkim
        self._signer = DkimSigner(dkim.domain, dkim.selector, dkim.key) if dkim else None
        self.signed_by = self._signer.name if self._signer else ""
        self._sender = sender

    async def run(self, run: Run, token: Token) -> None:
        """Makes the whole trip. Raises ProbeError; a bug may raise any exception."""
        self._note_test(run)
        if not self.mailbox:
            if accepted := await self._be_refused(token, run):
                raise accepted
            return
        with self._expecting(token.trip, run) as expected:
            closed = await _open(expected, run)
            if closed and self._content.payload:
                raise closed  # what filters must react to is sent only where it can be deleted
            if self._refusals:
                if accepted := await self._be_refused(token, run):
                    await self._clean_up(expected, run, accepted)
                return
            uncertain = await self._send(token, run)
            if closed:
                raise closed  # the message has left all the same: the SMTP leg has its own verdict
            await self._receive(expected, run, uncertain)

    async def exchangers(self, run: Run) -> list[Exchanger]:
        """Those of the recipient, one entry for each address, if the sender knows any. Raises
        ProbeError."""
        if not isinstance(self._sender, SendsThroughEach):
            return []
        return await self._sender.each(ProbeMessage(self._from, self._to, b""), run)

    def through(self, exchanger: Exchanger) -> "RoundTrip":
        """The same round trip through one exchanger only. Who sent the message is not checked: that
        does not depend on the exchanger of the recipient."""
        only = copy.copy(self)
        if isinstance(self._sender, SendsThroughEach):
            only._sender = self._sender.through(exchanger)
        only._authenticator, only._standing, only._required = None, None, ()
        return only

    async def resume(self, run: Run, trip: str) -> None:
        """Continues a trip whose message left before this process began."""
        self._note_test(run)
        accepted = self._unexpectedly_accepted().at(Phase.SEND, None) if self._refusals else None
        if accepted and not self.mailbox:
            raise accepted
        with self._expecting(trip, run) as expected:
            if accepted:
                await self._clean_up(expected, run, accepted)
            await self._receive(expected, run)

    def _note_test(self, run: Run) -> None:
        if self._test:
            run.fact(self._test)

    @contextmanager
    def _expecting(self, trip: str, run: Run) -> Iterator[Expectation]:
        """Expects the message in one mailbox, and its bounce in another."""
        bounces = self._bounces if self._bounces != self.mailbox else None
        watcher, named = self._watchers[self.mailbox], bool(bounces)
        with watcher.expect(
            trip, run, named=named, home=self.home, whole=bool(self._own), recipient=self._to
        ) as expected:
            if bounces:
                returning = self._watchers[bounces]
                with returning.expect(
                    trip, run, expected.found, named=True, recipient=self._to
                ) as expected.returns:
                    yield expected
            else:
                yield expected

    async def _be_refused(self, token: Token, run: Run) -> ProbeError | None:
        """Sends a message that must be refused: the refusal is the success. Returns the failure if
        the message was accepted, or may have been."""
        run.expected_refusals = self._refusals
        try:
            return await self._send(token, run)
        except ProbeError as error:
            if error.reason is Reason.ACCEPTED:
                return run.located(error)
            if error.code not in self._refusals:
                raise
        return None

    async def _clean_up(self, expected: Expectation, run: Run, failure: ProbeError) -> NoReturn:
        """Deletes a message that should have been refused, when it arrives, and fails."""
        try:
            await self._receive(expected, run, failure)
        except ProbeError:
            if failure.reason is not Reason.ACCEPTED:
                raise  # that it arrived says more than how the connection ended
        raise failure

    def _unexpectedly_accepted(self) -> ProbeError:
        wanted = " or ".join(sorted(self._refusals))
        what = self._test.carried if self._test else "the message"
        return ProbeError(
            Reason.ACCEPTED,
            f"{what} was accepted, but should have been refused with {wanted}",
            code=self._content.payload,
        )

    async def _send(self, token: Token, run: Run) -> ProbeError | None:
        """Sends the message. If it is unknown whether it was accepted, it waits for it without
        sending it again."""
        run.head_for(Phase.SEND)
        sender = self._from.replace(TRIP_PLACE, token.address_part)
        prevented = await self._await_turn(ProbeMessage(sender, self._to, b""), run)
        try:
            message = await self._composed(token, sender, run)
        except ProbeError as error:
            prevented = prevented or error
        try:
            async with run.phase(Phase.SEND):
                if prevented:
                    raise prevented
                if self._signer:
                    message = self._signer.signed(message, run.started_at)
                await self._sender.send(message, run)
                if self._refusals:
                    raise self._unexpectedly_accepted()
        except ProbeError as error:
            if not run.uncertain:
                raise
            return run.located(error)
        return None

    async def _composed(self, token: Token, sender: str, run: Run) -> ProbeMessage:
        """The message. One with files is read and composed in a thread. Raises ProbeError if a file
        cannot be used."""
        arguments = (token, sender, self._to, run.started_at)
        if not self._own:
            return compose(*arguments, self._content)

        def composed() -> ProbeMessage:
            return compose(*arguments, replace(self._content, own=self._own.read()))

        try:
            return await asyncio.to_thread(composed)
        except ContentUnusable as error:
            raise ProbeError(Reason.PROGRAM, str(error), code=FILE) from None

    async def _await_turn(self, message: ProbeMessage, run: Run) -> ProbeError | None:
        """Applies the sender's rate limit. Returns why not to send: the slot is after the trip's
        timeout."""
        destination, patience = self._sender.destination(message), run.time_left()
        wait = self._pace.turn(destination, self._sender.gap, run.now(), patience)
        limit = f"`gap: {duration_text(self._sender.gap)}` to {destination}"
        if wait > patience:
            return ProbeError(
                Reason.TIMEOUT,
                f"not sent: rate limit ({limit}); the next slot is in {wait:.0f} s, after this"
                " trip's timeout",
            )
        if wait:
            run.note(f"-- rate limit ({limit}): waiting {wait:.1f} s for the next slot")
            await asyncio.sleep(wait)
        return None

    async def _receive(
        self, expected: Expectation, run: Run, uncertain: ProbeError | None = None
    ) -> None:
        async with run.phase(Phase.DELIVER, lambda: uncertain or expected.overdue()):
            found = await self._awaited(expected, run)
        if found is None:
            return
        run.extend_for_deletion()  # it is back in time; what follows has the time of a conversation
        accepted = uncertain if uncertain and uncertain.reason is Reason.ACCEPTED else None
        judged = await self._verify(found, run, accepted)
        await run.record_verdict(judged)  # before the mailbox forgets that the message was there
        receives = self._watchers[self.mailbox].receives  # nothing is stored there
        async with run.phase(Phase.DELETE), run.conversation(expected.trouble):
            with nullcontext() if receives else run.step(Step.DELETE):
                await expected.delete()
        if judged:
            raise judged

    async def _awaited(self, expected: Expectation, run: Run) -> Found | None:
        """Returns when the message is seen. None if it must not come, and does not, or a filter has
        returned it (RFC 3463: X.7 is a policy)."""
        if not self._test or self._test.expected != "lost":
            return await expected.arrival()
        try:
            return await expected.absence()
        except ProbeError as error:
            if error.reason is not Reason.BOUNCED or not error.code.startswith("5.7."):
                raise
            run.note(f"-- returned, as expected: {error.code} {error.detail}")
        return None

    async def _verify(
        self, found: Found, run: Run, accepted: ProbeError | None = None
    ) -> ProbeError | None:
        """Checks an arrived message. If a check fails, the message is deleted all the same. A trip
        whose message was `accepted`, and should not have been, has failed already."""
        sighting = found.sighting
        try:
            async with run.phase(Phase.VERIFY):
                way = _hops(found, run)
                if self.home is not Home.MESSAGE:
                    self._verify_answer(found, way, run)
                    return None
                run.facts.extend(_facts_of(found, way, self._trusted))
                client = client_outside(found, way, self._trusted)
                starved = await self._check_sender(found, client, run)
                run.fact(_arrival(found, run))
                if found.seen.tab:
                    run.fact(InboxTab(found.seen.tab))
                if accepted:
                    return accepted
                if passed := self._let_through(found):
                    raise passed
                self._check_folder(sighting)
                if altered := [self._named(one) for one in found.seen.alterations]:
                    run.facts.extend(altered)
                    raise ProbeError(Reason.ALTERED, f"{altered[0]} in transit")
                if starved and self._required:
                    raise starved
                if missing := unauthenticated(self._required, run.facts):
                    raise missing
        except ProbeError as error:
            return run.located(error)
        return None

    def _verify_answer(self, found: Found, way: Sequence[Hop], run: Run) -> None:
        """Checks what came instead of the message. It says nothing about who sent the message, nor
        about its text, since others wrote it. Raises ProbeError."""
        shown_headers = ArrivedHeaders(shown(headers(found.message, found.token.word)))
        run.facts.extend([*way, shown_headers, answer_of(found, self.home, run)])
        run.fact(_arrival(found, run))
        if failure := undelivered(found.status):
            raise failure
        self._check_folder(found.sighting)

    def _check_folder(self, sighting: Sighting) -> None:
        if sighting.junk and self._junk_fails:
            raise ProbeError(Reason.JUNK, f"filed as spam, in the folder {sighting.folder}")

    def _named(self, altered: Alteration) -> Alteration:
        """With the name of the attachment, if this module still has as many."""
        known = self._own.names
        name = known[altered.number - 1] if 0 < altered.number <= len(known) else ""
        return replace(altered, name=name)

    async def _check_sender(
        self, found: Found, client: Client | None, run: Run
    ) -> ProbeError | None:
        """Checks who sent the message, and at the same time what blocklists say of the client, if
        that is asked for. Returns why the former is unknown, if we ourselves were too late."""
        if not self._standing:
            return await self._authenticate(found, client, run)
        starved, _ = await asyncio.gather(
            self._authenticate(found, client, run), self._look_up_client(client, run)
        )
        return starved

    async def _authenticate(
        self, found: Found, client: Client | None, run: Run
    ) -> ProbeError | None:
        if not self._authenticator:
            return None
        return await authenticate(self._authenticator, found, client, run)

    async def _look_up_client(self, client: Client | None, run: Run) -> None:
        if self._standing and client and client.address:
            run.facts.extend(await self._standing.of(client.address, run))

    def _let_through(self, found: Found) -> ProbeError | None:
        """The failure of a message that a filter should have kept out, or filed as spam."""
        if not self._test or (self._test.expected == "junk" and found.sighting.junk):
            return None
        removed = not found.sighting.cut and is_removed(self._test.payload, found.message)
        detail = self._test.let_through(found.sighting.folder, removed=removed)
        return ProbeError(Reason.ACCEPTED, detail, code=self._test.payload)


async def _open(expected: Expectation, run: Run) -> ProbeError | None:
    """Waits until the mailbox is open, or raises why it is not, also at the trip's deadline."""
    try:
        async with (
            run.phase(Phase.OPEN, expected.trouble),
            run.conversation(expected.trouble),
        ):
            await expected.ready()
    except ProbeError as error:
        run.learn(error)
        return run.located(error)
    return None


def _facts_of(found: Found, way: Sequence[Hop], trusted: tuple[str, ...] | None) -> list[Fact]:
    """The facts that servers wrote into the message. If it was wrapped, its receiver wrote into the
    outermost one."""
    messages = headers(found.message, found.token.word)
    outermost = messages[0]
    facts: list[Fact] = [*way]
    if address := left_from(way, trusted):
        facts.append(LeftFrom(address))
    if trusted:
        facts.extend(authentication(outermost, trusted))
    return [*facts, *spam_scores(outermost), ArrivedHeaders(shown(messages))]


def _hops(found: Found, run: Run) -> list[Hop]:
    """The servers on the way. Their clocks may be wrong, so the duration by ours limits plausible
    delays."""
    sending_since, seen_at = run.sending_since, found.sighting.seen_at
    took = None if sending_since is None else seen_at - sending_since
    sent_at = run.started_at + (0.0 if sending_since is None else sending_since - run.started)
    return hops(received(found.message, found.token.word), sent_at, took)


def _arrival(found: Found, run: Run) -> Arrival:
    """The delay is unknown if the mailbox was not watched when the message arrived, or if we were
    too late ourselves."""
    sighting, since = found.sighting, run.sending_since
    delay = sighting.delay_since(run.accepted, run.clock, since)
    round_trip = None if delay is None else sighting.delay_since(since, run.clock, since)
    return Arrival(
        one_line(sighting.folder, MAX_FOLDER), found.found_in, delay, round_trip, sighting.junk
    )
