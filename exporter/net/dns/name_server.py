"""A name server, and what it answered: for the words of a failed lookup."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import dns.edns
import dns.exception
import dns.message
import dns.nameserver
import dns.rcode
import dns.rdatatype

from exporter.net.dns.message import asked_over_tcp, refuses_edns

DOMAIN = 53  # the port of name servers
MOST_NAMED = 3  # name servers in an error
SILENCE = "no answer"
_UNDERSTOOD = {SILENCE, "NXDOMAIN", "NOERROR"}
"""Answers that the words before them say already, if all servers gave the same."""


class Asked:
    """The name servers that were asked in a lookup, with the newest answer of each."""

    _now: ContextVar["Asked | None"] = ContextVar("asked", default=None)

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Notes the answers to the queries of its block."""
        token = self._now.set(self)
        try:
            yield
        finally:
            self._now.reset(token)

    @classmethod
    def note(cls, server: str, answer: str) -> None:
        """Notes what a server answered, in the lookup that this task makes."""
        if asked := cls._now.get():
            asked.answers[server] = answer

    @property
    def refused(self) -> bool:
        """Whether all of them refused to answer us."""
        return {answer.partition(",")[0] for answer in self.answers.values()} == {"REFUSED"}

    def __str__(self) -> str:
        """For people, as the end of an error; empty if none was asked."""
        if not self.answers:
            return ""
        different = set(self.answers.values())
        plain = len(different) == 1 and different <= _UNDERSTOOD
        named = [
            server if plain else f"{server} ({answer})"
            for server, answer in [*self.answers.items()][:MOST_NAMED]
        ]
        more = " and others" if len(self.answers) > MOST_NAMED else ""
        return f"; asked {', '.join(named)}{more}"


class NameServer(dns.nameserver.Do53Nameserver):
    """A name server; other tasks run while an answer over TCP is parsed. TLSA records are queried
    only over TCP."""

    def __str__(self) -> str:
        host = self.address
        if self.port == DOMAIN:
            return host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    async def async_query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,
        source: str | None,
        source_port: int,
        max_size: bool,
        backend: Any,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        Asked.note(str(self), SILENCE)
        # dnspython passes over a whole answer for one TLSA record that makes no sense, though it is
        # only unusable.
        lenient = request.question[0].rdtype == dns.rdatatype.TLSA

        now = asyncio.get_running_loop().time
        until = now() + timeout  # also for the second query

        async def asked(query: dns.message.QueryMessage) -> dns.message.Message:
            left = max(until - now(), 0.0)
            if max_size or lenient:
                return await self._over_tcp(query, left, lenient=lenient)
            return await super(NameServer, self).async_query(
                query,
                left,
                source,
                source_port,
                max_size,
                backend,
                one_rr_per_rrset,
                ignore_trailing,
            )

        try:
            response = await asked(request)
            if refuses_edns(response):
                response = await asked(_without_edns(request))
        except OSError as error:
            Asked.note(str(self), (error.strerror or "no connection").lower())
            raise
        except dns.exception.Timeout:
            raise
        except (dns.exception.DNSException, EOFError):
            Asked.note(str(self), "invalid answer")
            raise
        Asked.note(str(self), _answer(response))
        return response

    async def _over_tcp(
        self, request: dns.message.QueryMessage, timeout: float, *, lenient: bool
    ) -> dns.message.Message:
        try:
            async with asyncio.timeout(timeout):
                return await asked_over_tcp((self.address, self.port), request, lenient=lenient)
        except TimeoutError:
            raise dns.exception.Timeout from None


def _without_edns(request: dns.message.QueryMessage) -> dns.message.QueryMessage:
    (question,) = request.question
    plain = dns.message.make_query(question.name, question.rdtype, question.rdclass)
    plain.flags = request.flags
    return plain


def _answer(response: dns.message.Message) -> str:
    """The response code, with the server's own explanation (RFC 8914) if it has one of the
    registered codes."""
    word = dns.rcode.to_text(response.rcode())
    for option in response.options:
        if isinstance(option, dns.edns.EDEOption) and isinstance(option.code, dns.edns.EDECode):
            return f"{word}, {_in_words(option.code)}"
    return word


def _in_words(code: dns.edns.EDECode) -> str:
    return code.name.replace("_", " ").capitalize().replace("Dnssec", "DNSSEC")
