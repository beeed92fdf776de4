"""Reads JSON events of sending services about one message: Amazon SES through SNS, and others that
mail events.

SES writes `notificationType` or `eventType`, beside `bounce`, `complaint`, `delivery`,
`deliveryDelay` or `reject` (docs.aws.amazon.com/ses/latest/dg/notification-contents.html). SNS
sends that as it is, with words below it, or as the text `Message` of its own JSON.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

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
    typed_value,
)
from exporter.mail.tokens import without_tokens

LONGEST = 1 << 16  # characters of a text that are read
_MOST_STARTS = 5  # places of a text where JSON may begin
_MOST_VALUES = 2000  # of an event
_DEEPEST = 20  # levels of an event

_BEGINS = re.compile(r"[{\[](?=\s{0,99}[{\"])")
_MARK = re.compile(
    r'"(?:notificationType|eventType|event|event-data|RecordType|message_event)\\?"\s{0,9}:'
)
_KINDS = (
    "notificationtype",
    "eventtype",
    "event",
    "recordtype",
    "type",
    "bouncetype",
    "bouncesubtype",
    "delaytype",
    "severity",
)
_HAPPENED = (
    (DELAYED, re.compile(r"transient|soft|temporary|defer|delay", re.IGNORECASE)),
    (
        FAILED,
        re.compile(
            r"bounce|permanent|hard|fail|drop|reject|block|undeliver|suppress|out.of.band|invalid",
            re.I,
        ),
    ),
    (
        DELIVERED,
        re.compile(r"deliver|complain|send|sent|open|click|processed|accepted|spam", re.IGNORECASE),
    ),
)
"""What happened, by the words for it; the first that is found says most."""
_CODES = ("status", "code", "smtp-code", "error_code", "statuscode")
_WORDS = (
    "diagnosticcode",
    "smtpresponse",
    "diag",
    "raw_reason",
    "response",
    "details",
    "message",
    "reason",
    "errormessage",
    "error",
    "description",
)
_REMOTE = ("remotemtaip", "remote-mta", "mx-host", "ip_address")
_REPORTER = ("reportingmta", "reporting-mta")
_OF_THE_MESSAGE = ("mail", "headers", "commonheaders", "tags", "user-variables")
"""They say nothing about what happened to it."""


def event_in(texts: Iterable[str]) -> Bounce | None:
    """The first event in these texts; None if there is none."""
    cut = (text[:LONGEST] for text in texts)
    return next((told for text in cut if _MARK.search(text) for told in _events(text)), None)


def _events(text: str) -> Iterator[Bounce]:
    for start, _ in zip(_BEGINS.finditer(text), range(_MOST_STARTS), strict=False):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if told := _read(value):
            yield told


def _read(event: Any) -> Bounce | None:
    said: dict[str, list[str]] = {}
    for (key, text), _ in zip(_values(event, "", _DEEPEST), range(_MOST_VALUES), strict=False):
        if key == "message" and text.lstrip().startswith("{"):  # SNS
            return next(_events(text), None)
        said.setdefault(key, []).append(text)
    kinds = ", ".join(text for key in _KINDS for text in said.get(key, ()))
    action = next((action for action, words in _HAPPENED if words.search(kinds)), "")
    if not action:
        return None
    codes = [
        text
        for key in _CODES
        for text in said.get(key, ())
        if CODE.fullmatch(text) or REPLY_CODE.fullmatch(text)
    ]
    words = _first(said, _WORDS) or one_line(kinds)
    enhanced = next((code for code in codes if "." in code and not code.endswith(".0.0")), "")
    status = enhanced or code_in(words) or next(iter(codes), "")
    return Bounce(
        action, status, _first(said, _REPORTER), without_tokens(words), host(_first(said, _REMOTE))
    )


def _first(said: dict[str, list[str]], keys: tuple[str, ...]) -> str:
    return next((typed_value(text) for key in keys for text in said.get(key, ()) if text), "")


def _values(value: Any, key: str, levels: int) -> Iterator[tuple[str, str]]:
    """Every text and number in it, with its key in lower case."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if levels and name.lower() not in _OF_THE_MESSAGE:
                yield from _values(inner, name.lower(), levels - 1)
    elif isinstance(value, list):
        for inner in value:
            if levels:
                yield from _values(inner, key, levels - 1)
    elif isinstance(value, str | int | float):
        yield key, str(value)
