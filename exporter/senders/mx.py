"""Sends to the exchangers of the recipient's domain, as a mail server does (RFC 5321 section
5.1)."""

import asyncio
import random
import ssl
from collections.abc import Sequence
from dataclasses import replace

from exporter.core.dns_records import exchanger_records
from exporter.core.facts import MailServer
from exporter.core.model import (
    Exchanger,
    ExchangerVisit,
    Failure,
    PlaintextFallback,
    ProbeError,
    TlsSession,
)
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason, Trait
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.net.dns.resolver import Resolver
from exporter.net.mta_sts.policies import StsPolicies
from exporter.net.smtp.own_name import own_name
from exporter.net.smtp.session import Act, SmtpSession, session
from exporter.senders.exchanger_addresses import addresses_of
from exporter.senders.mta_sts import MtaSts
from exporter.senders.mx_options import MAX_EXCHANGERS, WITHOUT_POLICY, MxOptions
from exporter.senders.tls_requirement import NO_POLICY, PublishedPolicy, TlsRequirement

LONGEST_WAIT = 10  # times the first


MOST_ADDRESSES = 2
"""Of an exchanger, each of which is asked by itself (RFC 5321 section 5.1: "at least two")."""


class MxSender:
    """Tries the exchangers by preference until one of them accepts the message or rejects it
    (5xx)."""

    def __init__(
        self,
        options: MxOptions,
        resolver: Resolver,
        policies: StsPolicies,
        only: Exchanger | None = None,
    ) -> None:
        self._options = options
        self._resolver = resolver
        self._policies = policies
        self._only = only  # instead of those that the DNS has
        self._always = TlsRequirement(WITHOUT_POLICY[options.tls], options)
        self._published: list[PublishedPolicy] = []
        if options.tls in ("dane", "policy"):
            # Only who follows DANE needs the library for certificates, which takes 11 MiB.
            from exporter.senders.dane import Dane

            self._published.append(Dane(self._always, options.port, options, resolver))
        if options.tls in ("mta_sts", "policy"):
            self._published.append(MtaSts(self._always, policies))
        self.gap = options.gap or 0.0

    def destination(self, message: ProbeMessage) -> str:
        return _domain(message)

    async def send(self, message: ProbeMessage, run: Run) -> None:
        """Acts as the queue: retries the same envelope and message after 4xx, also 421, at growing
        intervals (RFC 5321 4.5.4.1)."""
        wait = self._options.retry_after
        while True:
            try:
                await self._try_all(message, run)
            except ProbeError as error:
                deferred = error  # the name that except binds is gone after it
                is_expected = error.code in run.expected_refusals
                is_worth_it = Trait.WORTH_A_RETRY in error.reason.traits and not is_expected
                if not is_worth_it or wait >= run.time_left():
                    raise
            else:
                return
            run.note(f"-- {deferred}; retrying in {wait:g} s")
            run.makes_way.set()
            with run.step(Step.RETRY, f"{deferred.code}, again in {wait:g} s"):
                await asyncio.sleep(wait)
            wait = min(wait * 2, self._options.retry_after * LONGEST_WAIT)

    async def each(self, message: ProbeMessage, run: Run) -> list[Exchanger]:
        """Every address of every exchanger, if that is asked for."""
        exchangers = await self._published_exchangers(_domain(message), run)
        return await addresses_of(exchangers, self._resolver, self._options, run)

    def through(self, exchanger: Exchanger) -> "MxSender":
        return MxSender(self._options, self._resolver, self._policies, exchanger)

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        """Tries the first exchanger that answers, or each of them: then those that fail are facts,
        if another one does not."""
        problems: list[ProbeError] = []
        domain, each = _domain(message), self._options.each
        exchangers = await (self.each(message, run) if each else self.exchangers(domain, run))
        for exchanger in exchangers:
            try:
                for policy in self._policies_of(domain):
                    await policy.preflight(exchanger.host, run)
                await self._visit(exchanger, domain, lambda smtp: smtp.preflight(message), run)
            except ProbeError as error:
                problems.append(run.located(error))
                if each:
                    run.fact(_failed_visit(exchanger, problems[-1]))
            else:
                if not each:
                    return
        if len(problems) == len(exchangers):
            raise problems[0] if problems else ProbeError(Reason.CONNECT, "no exchanger to test")

    async def _try_all(self, message: ProbeMessage, run: Run) -> None:
        problems: list[ProbeError] = []
        domain = _domain(message)
        for exchanger in await self.exchangers(domain, run):
            for _ in range(MOST_ADDRESSES):
                try:
                    await self._visit(exchanger, domain, lambda smtp: smtp.hand_over(message), run)
                except ProbeError as error:
                    problems.append(located := run.located(error))
                    # A 5xx greeting turns away this client, not this message: the next one may take
                    # it, as Postfix has it.
                    judged = Trait.ENDS_DELIVERY in error.reason.traits
                    if (judged and located.step is not Step.GREETING) or run.uncertain:
                        raise
                    run.note(f"-- {exchanger}: {error}")
                else:
                    return
                another = _at_another_address(exchanger, run)
                if another is None or located.step in (Step.RESOLVE, Step.CONNECT):
                    break
                exchanger = another
        # Who answered tells more than who could not be reached: a greylisting server before a dead
        # one. Who deferred the message may take it later, whatever the others say. If none could be
        # reached, the preferred one is named: it takes the mail on all other days.
        deferred = (error for error in problems if error.reason is Reason.DEFERRED)
        answers = (error for error in problems if Trait.UNREACHED not in error.reason.traits)
        raise next(deferred, None) or next(answers, problems[0])

    async def exchangers(self, domain: str, run: Run) -> list[Exchanger]:
        """The exchangers in the order of attempts: by preference, equals shuffled; without an MX
        the domain itself."""
        if self._only:
            return [self._only]
        exchangers = await self._published_exchangers(domain, run)
        random.shuffle(exchangers)
        return sorted(exchangers, key=lambda exchanger: exchanger.preference)[:MAX_EXCHANGERS]

    async def _published_exchangers(self, domain: str, run: Run) -> list[Exchanger]:
        if address := _in_literal(domain):
            return [Exchanger(address, 0)]
        async with run.conversation():
            with run.step(Step.RESOLVE, f"{domain} MX"):
                run.awaited = f"the name server {self._resolver} for {domain} MX"
                exchangers = await self._resolver.exchangers(domain)
        run.replace_fact(exchanger_records(domain, exchangers))
        return exchangers or [Exchanger(domain, 0)]

    async def _visit(self, exchanger: Exchanger, domain: str, act: Act, run: Run) -> None:
        """Visits one exchanger. If its opportunistic TLS fails, continues in plain text (RFC 7435),
        at once, as Exim does. Postfix does so after a refusal; after a failed handshake it defers
        the message first, for `minimal_backoff_time`."""
        required = await self._requirement(exchanger, domain, run)
        failed = await self._attempt(exchanger, domain, act, run, required)
        if failed and (tested := required.testing):
            run.note(f"-- {failed.detail}; trying again, since the policy is only being tested")
            _forget_tls(run)
            run.replace_fact(replace(tested.policy, problem=failed.detail))
            failed = await self._attempt(exchanger, domain, act, run, tested)
        if failed:
            await self._fall_back(exchanger, domain, act, run, failed)

    async def _requirement(self, exchanger: Exchanger, domain: str, run: Run) -> TlsRequirement:
        required = self._always
        for published in self._policies_of(domain):
            required = await published.requirement(exchanger.host, domain, run)
            if required.policy != NO_POLICY:
                break
        if self._published:
            run.replace_fact(required.policy)
        return required

    def _policies_of(self, domain: str) -> Sequence[PublishedPolicy]:
        """An address publishes nothing."""
        return () if _in_literal(domain) else self._published

    async def _attempt(
        self,
        exchanger: Exchanger,
        domain: str,
        act: Act,
        run: Run,
        required: TlsRequirement,
    ) -> ProbeError | None:
        """Returns why TLS has failed, if that does not keep the message back. Raises ProbeError."""
        with session(exchanger.host, run) as smtp:
            try:
                await self._converse(smtp, exchanger, domain, act, run, required)
            except ProbeError as error:
                failed = required.blamed(run.located(error))
                if required.tls == "opportunistic":
                    # TLS works, and `verify` was asked.
                    refused = isinstance(error.__cause__, ssl.SSLCertVerificationError)
                    goes_on = smtp.tls_broken and not refused
                else:
                    no_tls = error.reason is Reason.TLS or smtp.tls_broken
                    goes_on = required.testing is not None and no_tls
                if not goes_on:
                    raise failed from error
                return failed
        return None

    async def _fall_back(
        self, exchanger: Exchanger, domain: str, act: Act, run: Run, broken: ProbeError
    ) -> None:
        """Opens another connection, without TLS. It sends no credentials."""
        run.note(f"-- {broken.detail}; retrying in plain text")
        _forget_tls(run)
        with session(exchanger.host, run) as smtp:
            try:
                plain = TlsRequirement("none", self._options)
                await self._converse(smtp, exchanger, domain, act, run, plain)
            except ProbeError as error:
                if error.reason is Reason.TLS:
                    raise broken from None
                place = run.located(error)
                detail = f"{error.detail} (in plain text, because: {broken.detail})"
                raise ProbeError(error.reason, detail, code=error.code).at(
                    place.phase, place.step
                ) from error
        run.fact(PlaintextFallback(exchanger.host, broken.detail))

    async def _converse(
        self,
        smtp: SmtpSession,
        exchanger: Exchanger,
        domain: str,
        act: Act,
        run: Run,
        required: TlsRequirement,
    ) -> None:
        options, name = self._options, self._options.ehlo_name or own_name()
        offered_is_enough = required.tls == "opportunistic"
        async with run.conversation(server=smtp.server):
            await smtp.connect(
                self._resolver.absolute,
                options.port,
                options,
                address=exchanger.address,
                origin=_origin(exchanger, domain),
            )
            await smtp.ehlo(name)
            if required.tls == "starttls" or (offered_is_enough and "starttls" in smtp.extensions):
                await smtp.starttls(required.options, required.judge)
                await smtp.ehlo(name)
            await act(smtp)
        run.fact(replace(exchanger, address=smtp.address))
        await smtp.quit()


def _failed_visit(exchanger: Exchanger, error: ProbeError) -> ExchangerVisit:
    phase, host, address = error.phase or Phase.SEND, exchanger.host, exchanger.address
    failure = Failure(phase, error.step, error.reason, error.code, error.detail)
    return ExchangerVisit(host, exchanger.preference, address, False, failure)


def _at_another_address(exchanger: Exchanger, run: Run) -> Exchanger | None:
    """The exchanger at an address that it has beside the one that answered and did not take the
    message; of the other family, if possible. Servers often treat IPv6 and IPv4 differently."""
    known = (fact for fact in run.facts if isinstance(fact, MailServer))
    visited = next((fact for fact in known if fact.host == exchanger.host), None)
    if exchanger.address or not (visited and visited.address):
        return None
    was_6 = ":" in visited.address
    others = [one for one in visited.addresses if one != visited.address]
    others.sort(key=lambda one: (":" in one) is was_6)
    return replace(exchanger, address=others[0]) if others else None


def _origin(exchanger: Exchanger, domain: str) -> str:
    """Where the name of an exchanger comes from, for people."""
    own = exchanger.host.lower() in (domain, _in_literal(domain))
    return "" if own else f"MX {exchanger.preference} of {domain}"


def _domain(message: ProbeMessage) -> str:
    return message.recipient.rpartition("@")[2].lower()


def _in_literal(domain: str) -> str:
    """The address in an address literal, to which mail goes straight (RFC 5321 section 4.1.3);
    empty if the domain is a name."""
    return domain.strip("[]").removeprefix("ipv6:") if domain.startswith("[") else ""


def _forget_tls(run: Run) -> None:
    """Of a connection that has failed."""
    run.facts = [
        fact for fact in run.facts if not (isinstance(fact, TlsSession) and fact.leg is Leg.SEND)
    ]
