"""Classifies a message with our token: ours, an answer, a bounce, or unclear.

Only what proves that our message came may count as its arrival. From the outside inwards, through
each message that holds another one, this is asked; the first that has an answer gives it.

1. The Message-ID or X-Mailtrip-Token is ours: this is our message, as servers, redirections and
   mailing lists pass it on. A null return path does not change that, since some redirections set
   one, if our text is in it; without our text and with a null return path it is a notice that kept
   our header.
2. Fields of a delivery status notification (RFC 3464), in whatever part, or an event in JSON, or a
   mailer daemon as its author, or the form of a notice of a known program: a notice. What it says
   decides: failed is a bounce, delayed or delivered is as good as an answer. What is not
   understood is unclear, and is never an arrival. A postmaster may be a person, whose message
   counts as a notice only if it can be understood as one.
3. An automatic answer or a receipt says so in its header or its subject. The header of a ticket
   system says so where it does not send on our message, and a header that only asks for no answers
   never does.
4. A null return path: nothing that a person forwards has one (RFC 5321 section 4.5.5). A notice, or
   unclear; but some filters forward with one, and say so in the subject, above or around our whole
   message.
5. It is an answer (`In-Reply-To`, `Re:`, a ticket's number), and does not forward.
6. Our whole message is attached, or the subject or the text says that it is forwarded, or its text
   is inside, alone or with our subject: it came. Our text below another text, under another
   subject, proves nothing.
7. The rest only mentions us: unclear.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from exporter.mail.bounces import Bounce, bounce_in, has_fields
from exporter.mail.composition import OPENING, TOKEN_HEADER
from exporter.mail.mime import Part, decoded
from exporter.mail.notices import answers, plain
from exporter.mail.notices.events import LONGEST, event_in
from exporter.mail.notices.leaves import (
    LONGEST_TEXT,
    inner_messages,
    notice,
    own_leaves,
    reports,
    texts,
)
from exporter.mail.notices.phrases import OPENINGS, SUBJECTS
from exporter.mail.notices.words import squeezed
from exporter.mail.tokens import candidates

_ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
_DAEMON = re.compile(
    r"\b(?:mailer|mail|smtp|mta|m)[-_. ]?daemon\b|\bmail(?:er)?[-_. ]?(?:delivery|delivery[-_."
    r" ]?sub|sub)[-_. ]?"
    r"(?:system|service|agent)\b|\bdelivery[-_. ]?sub[-_."
    r" ]?system|microsoftexchange[0-9a-f]{20,}|double-bounce@",
    re.IGNORECASE,
)
_POSTMASTER = re.compile(
    r"\bpost[-_]?master\b|\bmail[-_. ]?(?:system|router|administrator)\b|system[-_"
    r" ]?administrator|<?\bbounces?@",
    re.IGNORECASE,
)
_NULL = re.compile(r"<\s*>|<#@\[\]>|<?mailer-daemon(?:@[^>]*)?>?|", re.IGNORECASE)


class Kind(StrEnum):
    """The kinds of messages with our token."""

    MESSAGE = "message"  # itself, or forwarded in any form
    REPLY = "reply"  # an answer to it, or a notice that nothing is lost: of a delay, of a delivery
    BOUNCE = "bounce"  # a notice that it was not delivered
    UNCLEAR = "unclear"  # about it, and neither an arrival nor a notice that can be understood


Verdict = tuple[Kind, Bounce | None]


def judge(message: Part) -> Verdict:
    """Classifies a message with a token."""
    while True:
        layer = _Layer(message)
        if verdict := layer.own_verdict() if layer.is_ours else layer.verdict():
            return verdict
        inner = list(inner_messages(message))
        if not inner:
            return (Kind.MESSAGE if layer.brings_our_message() else Kind.UNCLEAR), None
        message = next((part for part in inner if _Layer(part).is_ours), inner[0])


def _bare(text: str) -> str:
    return "".join(text.replace(">", "").split())


_OPENING, _FIRST_WORDS = _bare(OPENING), OPENING[:30]


def _may_be_json(leaf: Part) -> bool:
    return leaf.content_type in ("text/plain", "text/json") or leaf.content_type.endswith("json")


@dataclass
class _Layer:
    """A message, and the evidence that it is a notice, without that of inner messages."""

    part: Part

    @property
    def is_ours(self) -> bool:
        """Whether it is ours, by its Message-ID, otherwise by our header; an answer may keep that,
        but then refers to our Message-ID."""
        return self._has("message-id") or (
            self._has(TOKEN_HEADER.lower()) and not self._has("in-reply-to")
        )

    def _has(self, name: str) -> bool:
        """Whether the header contains a token."""
        return any(map(candidates, self.part.all(name)))

    @cached_property
    def _subject(self) -> str:
        return answers.subject(self.part)

    @cached_property
    def _texts(self) -> list[str]:
        return texts(self.part)

    @cached_property
    def _notice(self) -> str:
        """Its own text. In a forwarded notice it is below the mail program's line, above our
        text."""
        if answers.is_forwarded(self.part):
            return "\n".join(self._texts).partition(_FIRST_WORDS)[0]
        return notice(self.part, self._texts)

    @cached_property
    def _fields(self) -> Bounce | None:
        others = (
            leaf.text(LONGEST_TEXT)
            for leaf in own_leaves(self.part)
            if leaf.content_type.startswith("application/")
        )
        return bounce_in(
            reports(self.part) or [text for text in (*self._texts, *others) if has_fields(text)][:1]
        )

    @cached_property
    def _event(self) -> Bounce | None:
        """The JSON event of a sending service."""
        json = (leaf.text(LONGEST) for leaf in own_leaves(self.part) if _may_be_json(leaf))
        return None if self._fields else event_in([*json, *self._texts])

    @property
    def _is_report(self) -> bool:
        if reports(self.part) or self._fields or self._event:
            return True
        kind = self.part.parameters.get("report-type", "delivery-status").lower()
        return self.part.content_type == "multipart/report" and kind.endswith("delivery-status")

    @cached_property
    def _null(self) -> bool:
        paths = [*self.part.all("return-path")[:1], *self.part.all("x-envelope-from")[:1]]
        return any(_NULL.fullmatch(path.strip()) for path in paths)

    @cached_property
    def _author(self) -> str:
        return " ".join(decoded(self.part.get(name)) for name in ("from", "sender"))

    @cached_property
    def _from_daemon(self) -> bool:
        if self.part.get("x-failed-recipients"):
            return True
        return (
            _DAEMON.search(self._author) is not None
            and not answers.is_forwarded(self.part)
            and not self._copies_ours
        )

    @cached_property
    def _from_postmaster(self) -> bool:
        return _POSTMASTER.search(self._author) is not None and not answers.is_forwarded(self.part)

    @cached_property
    def _form(self) -> bool:
        """Whether it has the form of a notice."""
        return (
            any(map(SUBJECTS.match_start, (self._subject, answers.untagged(self.part))))
            or self._opens
        )

    @cached_property
    def _opens(self) -> bool:
        """Whether its text above ours begins like a notice."""
        return OPENINGS.found_in(squeezed(self._above))

    @property
    def _above(self) -> str:
        """Its text above ours; below are only footers of lists and companies."""
        return self._notice.partition(_FIRST_WORDS)[0]

    @cached_property
    def _text_is_ours(self) -> bool:
        """Whether our text begins in it, quoted or not."""
        return any(_OPENING in _bare(text) for text in self._texts)

    def own_verdict(self) -> Verdict:
        """The verdict on a message that has our Message-ID or header: the message itself, unless it
        reports a failure, or opens like a notice without proof that our text arrived."""
        if self._is_report and self._fields:
            return self._as_notice()
        proven = self._text_is_ours and not (
            (self._null or not self._has("message-id")) and self._opens
        )
        return (
            self._as_notice()
            if not proven and (self._null or self._opens)
            else (Kind.MESSAGE, None)
        )

    def verdict(self) -> Verdict | None:
        """The verdict on a message that others wrote about ours; None when it only wraps another
        one, which is judged next."""
        sounds = answers.sounds_automatic(self.part)
        automatic = sounds or answers.is_automatic(self.part)
        automatic = automatic or (answers.is_of_a_program(self.part) and not self._sends_on)
        null = self._null and not automatic and not self._forwards_ours
        if self._is_report or self._from_daemon or (self._form and not sounds) or null:
            return self._as_notice()
        if automatic:
            return (
                self._as_notice()
                if self._form and answers.is_refusal(self.part)
                else (Kind.REPLY, None)
            )
        if self._from_postmaster and (understood := self._as_notice(self._above))[1]:
            return understood
        return (Kind.REPLY, None) if self._answers() else None

    def _as_notice(self, words: str | None = None) -> Verdict:
        told = self._event or plain.read(
            self._subject, self._notice if words is None else words, self._fields
        )
        if told is None:
            return Kind.UNCLEAR, None
        return (Kind.BOUNCE if told.final else Kind.REPLY), told

    def _answers(self) -> bool:
        """Whether it is an answer; forwarded messages may refer to our Message-ID as well, as
        Outlook's do."""
        if answers.is_forwarded(self.part):
            return False
        if answers.is_reply(self.part):
            return True
        return self._has("in-reply-to") and not self._marked and not list(inner_messages(self.part))

    @cached_property
    def _marked(self) -> bool:
        """Whether a mail program marks it as forwarded."""
        return answers.is_forwarded(self.part) or any(map(answers.marks_forwarded, self._texts))

    @cached_property
    def _unquoted(self) -> bool:
        """Whether our text begins in it unquoted."""
        return any(_OPENING in "".join(text.split()) for text in self._texts)

    @property
    def _passes_on(self) -> bool:
        return any(
            answers.passes_on(self.part, text.partition(_FIRST_WORDS)[0]) for text in self._texts
        )

    @property
    def _forwards_ours(self) -> bool:
        whole = self._unquoted or self._holds_ours
        forwards = (
            whole and answers.is_forwarded(self.part) and _DAEMON.search(self._author) is None
        )
        return forwards or self._copies_ours

    @cached_property
    def _holds_ours(self) -> bool:
        return any(_Layer(inner).is_ours for inner in inner_messages(self.part))

    @property
    def _copies_ours(self) -> bool:
        return answers.is_journal(self.part) and self._holds_ours

    @property
    def _sends_on(self) -> bool:
        """Whether it only forwards our message: marked, attached, or as its text."""
        return self._is_our_text or self._marked or self._holds_ours

    @property
    def _is_our_text(self) -> bool:
        """Whether it has no text of its own above ours."""
        above = ("".join(text.split()).partition(_OPENING) for text in self._texts)
        return any(
            opening and (not words or candidates(words) == [words]) for words, opening, _ in above
        )

    @property
    def _names_our_subject(self) -> bool:
        """Whether our subject is its subject, or is quoted above our text as mail programs do."""
        if candidates(self._subject):
            return True
        above = (text.partition(_FIRST_WORDS)[0].lower() for text in self._texts)
        return any(words.count(token) > 1 for words in above for token in candidates(words))

    @property
    def _is_sealed(self) -> bool:
        """Whether a gateway encrypted the message with our subject, or moved our text to a part
        that people do not see."""
        if self.part.content_type in _ENCRYPTED and candidates(self._subject):
            return True
        hidden = (
            leaf
            for leaf in own_leaves(self.part)
            if not leaf.content_type.startswith(("text/", "multipart/"))
        )
        return any(_OPENING in "".join(leaf.content.split()) for leaf in hidden)

    def brings_our_message(self) -> bool:
        """Whether it contains our message: its text, or a mail program's mark of forwarding."""
        if self._unquoted and (self._is_our_text or self._names_our_subject or self._passes_on):
            return True
        return self._marked or self._is_sealed
