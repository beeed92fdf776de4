"""Reads a notice written for people: the result, the code, the server that refused, its text."""

import re
from collections.abc import Iterator
from dataclasses import replace

from exporter.core.one_line import one_line
from exporter.mail.bounces import (
    CODE,
    DELAYED,
    DELIVERED,
    FAILED,
    REPLY_CODE,
    Bounce,
    code_in,
    host,
)
from exporter.mail.notices.phrases import DELAY, FAILURE, GIVEN_UP, OPENINGS, RETRY, SUCCESS
from exporter.mail.notices.words import squeezed
from exporter.mail.tokens import without_tokens

_MOST_LINES = 200
_MOST_CONTINUED = 6  # lines of one reply
_SERVER = r"\[?([A-Za-z0-9_-][A-Za-z0-9._-]*\.[A-Za-z0-9-]+|[0-9a-fA-F:.]{7,45})\]?"

_ADDRESS = r"(?: ?[\[(][^\])]{1,60}[\])])?"


def _forms(*forms: str) -> list[re.Pattern[str]]:
    return [re.compile(form, re.IGNORECASE | re.MULTILINE) for form in forms]


_REMOTE = _forms(
    # sendmail
    rf"(?:while talking to|conversation with|talking to|(?:response|reply|answer) from) {_SERVER}",
    # Postfix, Exim
    rf"\bhost:? '?{_SERVER}'?{_ADDRESS}(?: said|:| refused| rejected| replied| while| reason)",
    rf"\b(?:server|mta) {_SERVER}{_ADDRESS} (?:said|failed|refused|rejected|replied|returned)",
    rf"^[ \t]*{_SERVER}{_ADDRESS} (?:did not like our|does not like recipient|failed after|gave"
    r" this|said|refused)",
    rf"^[ \t]*{_SERVER}{_ADDRESS} rejected (?:your|the) (?:message|mail)",
    rf"(?:connected to|remote (?:host|server|mta)(?: at)?|giving up on) <?{_SERVER}",  # qmail
    rf"server for the recipient domain \S{{1,200}} by {_SERVER}",  # Gmail
    rf"(?:smtp|mail|mx) (?:server|host) <?{_SERVER}",
    rf"^[ \t]*{_SERVER} #?<?{_SERVER}? ?#?[45]\d\d[ #-]",  # Exchange: mx.example.org #550 5.1.1 …
    rf"\bby (?:the )?(?:server |mta |host )?{_SERVER}\. ?\[",  # Gmail
    rf"^(?:remote|receiving|recipient)[- ]?(?:mta|server|host)(?: name)?:? *(?:dns; ?)?{_SERVER}",
    rf"^\[?{_SERVER}\]?: ?[45]\d\d[ -]",
    rf"\[{_SERVER}\],? ?:? ?[45]\d\d[ -]",
)
_REPORTER = _forms(
    r"(?:program|mail (?:sub|delivery )?system|agent v?[\w.+]{1,20}|mail server|firewall|maildrop) "
    rf"(?:at|on)(?: host)? {_SERVER}",
    rf"generating server: *{_SERVER}",
)
_RECIPIENT = re.compile(
    r"^(?:[A-Za-z0-9.:_-]{0,80}<[^<>\s]{1,250}@[^<>\s]{1,250}>|[^\s<>:,]{1,100}@[^\s<>:,]{1,250})"
    r"(?: ?:\s*(.*)|\s*|\s+on\s.*|\s*\(.*)$"
)
_NO_CONTINUATION = ("-", "<<<", ">>>", "...", "Giving up", "Final-", "Action:", "***", "[<")
_FRAMED = re.compile(r"[^\w\s]{2,}.*[^\w\s]{2,}")  # --- Transcript of session follows ---
_BULLET = re.compile(r"[*+-] +")
_REASON = re.compile(
    r"^\W*(?:for )?(?:the )?(?:following )?"
    r"(?:reasons?|because|error(?: type| message)?|diagnostic(?: code| info\w*)?)\b"
    r"[^:]{0,40}:\s*(.*)$",
    re.IGNORECASE,
)


def read(subject: str, text: str, fields: Bounce | None) -> Bounce | None:
    """Parses a notice, fields first; None if it is unclear. All texts are clean and cut."""
    action = (fields.action if fields else "") or happened(subject, text)
    if not action:
        return None
    found = fields or Bounce(action, "", "", "")
    words = found.diagnostic
    says_why = any(map(str.isalpha, words))  # and is not only the status of a program: X-Unix; 77
    if not says_why or not (code_in(words) or found.status):
        words = words_of(text) or words
    words = re.sub(r"^([45]\d\d)-", r"\1 ", words)
    return replace(
        found,
        action=action,
        status=_better(found.status, _enhanced(words) or _enhanced(text) or code_in(words)),
        reporter=found.reporter or _server(_REPORTER, text),
        diagnostic=one_line(without_tokens(words)),
        remote=found.remote or _server(_REMOTE, f"{found.diagnostic}\n{text}"),
    )


def _better(told: str, read_in_text: str) -> str:
    """The better code: X.0.0 is unspecific (RFC 3463 section 3.1), so the refusing server's reply
    is preferred."""
    return told if told and not told.endswith(".0.0") else read_in_text or told


def _enhanced(text: str) -> str:
    """The first code other than X.0.0, otherwise the first."""
    codes = [code[0] for code in CODE.finditer(text) if code[0][0] != "2"]
    return next((code for code in codes if not code.endswith(".0.0")), next(iter(codes), ""))


def happened(subject: str, text: str) -> str:
    """The result by the text of a notice: failed, delayed, delivered, or empty."""
    subject, said, code = squeezed(subject), squeezed(text), code_in(text)
    if DELAY.found_in(subject) and not GIVEN_UP.found_in(subject):
        return DELAYED
    failed = FAILURE.found_in(subject)
    if SUCCESS.found_in(subject) and not failed:
        return DELIVERED
    given_up = GIVEN_UP.found_in(f"{subject} {said}")
    if not given_up and (
        DELAY.found_in(said) or (not code.startswith("5") and RETRY.found_in(said))
    ):
        return DELAYED
    if given_up or failed or FAILURE.found_in(said) or (code and OPENINGS.found_in(said)):
        return FAILED
    return DELIVERED if SUCCESS.found_in(said) else ""


def words_of(text: str) -> str:
    """The text of a server's refusal: from its reply code on, otherwise the text at the recipient,
    otherwise the paragraph about the failure."""
    lines = [line.rstrip() for line in text.split("\n")[:_MOST_LINES]]
    both = (n for n, line in enumerate(lines) if REPLY_CODE.search(line) and CODE.search(line))
    either = (n for n, line in enumerate(lines) if REPLY_CODE.search(line) or CODE.search(line))
    first = next(both, next(either, None))
    if first is not None:
        return _answer(lines, first)
    stated = next((said for form in (_REASON, _RECIPIENT) if (said := _after(form, lines))), "")
    return stated or _about_failure(lines)


def _about_failure(lines: list[str]) -> str:
    """The first paragraph about the failure, from the line that says so, with what a heading
    announces."""
    paragraphs = list(_paragraphs(lines))
    for place, paragraph in enumerate(paragraphs):
        if not FAILURE.found_in(squeezed(" ".join(paragraph))):
            continue
        first = next((n for n, line in enumerate(paragraph) if FAILURE.found_in(squeezed(line))), 0)
        said = " ".join(paragraph[first:])
        if not _is_heading(said):
            return said
        below = (" ".join(more) for more in paragraphs[place + 1 :])
        more = next((text for text in below if not _is_heading(text)), "")
        return f"{said} {more}".strip() if said.endswith(":") or not more else more
    return ""


def _paragraphs(lines: list[str]) -> Iterator[list[str]]:
    """The lines of each paragraph and of each heading, without recipients and rules."""
    paragraph: list[str] = []
    for line in (*map(str.strip, lines), ""):
        framed = _FRAMED.fullmatch(line)
        if paragraph and (framed or not line):
            yield paragraph
            paragraph = []
        if any(map(str.isalnum, line)) and not _is_recipient(line):
            paragraph.append(line)
        if paragraph and _is_heading(line):
            yield paragraph
            paragraph = []


def _is_heading(line: str) -> bool:
    return line.endswith(":") or _FRAMED.fullmatch(line) is not None


def _is_recipient(line: str) -> bool:
    """Whether a line has an address and no words about it."""
    match = _RECIPIENT.match(_BULLET.sub("", line, count=1))
    return match is not None and not match[1]


def _answer(lines: list[str], number: int) -> str:
    """The reply that begins in a line, with its continuation lines."""
    line = lines[number].strip()
    if reply := REPLY_CODE.search(line):
        said = [line[reply.start() :]]
    # <mx.example.org #5.1.1> below the words.
    elif line.startswith(("<", "#", "(")) and number and lines[number - 1]:
        return f"{lines[number - 1].strip()} {line}"
    else:
        said = [line]
    for more in lines[number + 1 : number + _MOST_CONTINUED]:
        if not more or _RECIPIENT.match(more) or more.strip().startswith(_NO_CONTINUATION):
            break
        said.append(re.sub(r"^[45]\d\d[ -](?:[45]\.\d{1,3}\.\d{1,3} )?", "", more.strip()))
    return re.sub(r"^(\d{3})-", r"\1 ", " ".join(said).strip("'\" "))


def _after(form: re.Pattern[str], lines: list[str]) -> str:
    """The text after the first match, on the same line or below."""
    for number, line in enumerate(lines):
        if match := form.match(line.strip()):
            below = map(str.strip, lines[number + 1 : number + 4])
            said = match[1] or next(
                (one for one in below if one and not _FRAMED.fullmatch(one)), ""
            )
            if said and not _RECIPIENT.match(said) and not _REASON.match(said):
                return said
    return ""


def _server(forms: list[re.Pattern[str]], text: str) -> str:
    for form in forms:
        if (match := form.search(text)) and (name := host(match[1])) and "." in name + ":":
            return name
    return ""
