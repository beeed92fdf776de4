"""The text of a configuration that `mailtrip init` writes."""

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import indent
from typing import Any

from exporter.commands.route import MAILBOX, SEND, Route, Secrets
from exporter.config.yaml import dump, parse

PROBE = "submission"
"""The name of the probe."""

_TEXT = """\
# Written by `mailtrip init`. Every option: docs/configuration.md.

mailboxes:
  monitor:                   # where the messages arrive; mailtrip deletes only its own
{mailbox}

modules:
  submission:
    interval: 5m             # time between two messages
    timeout: 10m             # a message that has not arrived by then is a failure
    roundtrip:
{sender}
      send:
{send}
      mailbox: monitor

probes:
  - name: submission         # `mailtrip probe submission`, and the label `probe` of all series
    module: submission
{target}
"""
_PLAIN_PATH = re.compile(r"/[\w./+@-]*", re.ASCII)


def text_of(route: Route, secrets: Secrets) -> str:
    """The configuration for this way of messages, with passwords in these files."""
    sender = route.sender or route.default_sender
    return _TEXT.format(
        mailbox=_lines(route.options(MAILBOX, secrets), 4),
        sender=_lines({"from": sender}, 6),
        send=_lines(route.options(SEND, secrets), 8),
        target=_lines({"target": route.recipient}, 4),
    )


def _lines(options: Mapping[str, Any], depth: int) -> str:
    return indent("\n".join(_written(options)), " " * depth)


def _written(options: Mapping[str, Any]) -> Iterator[str]:
    for key, value in options.items():
        if not isinstance(value, dict) or not value:
            yield _pair(key, value)
        elif [*value] == ["file"]:
            path = value["file"]
            yield f"{key}: {{file: {path if _PLAIN_PATH.fullmatch(path) else _quoted(path)}}}"
        else:
            yield f"{key}:"
            yield indent("\n".join(_written(value)), "  ")


def _pair(key: str, value: object) -> str:
    """Quoted if it would be read as something else: a number, for example."""
    text = dump({key: value}).strip()
    tree, _ = parse(text.encode(), "")
    return text if tree.plain() == {key: value} else f"{key}: {_quoted(value)}"


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
