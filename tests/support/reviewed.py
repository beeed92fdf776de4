"""What `check` says of a configuration."""

from pathlib import Path

from exporter.checks.references import references
from exporter.commands.review import review
from exporter.config.load import reading
from exporter.settings import Settings

MAILBOX = "mailboxes:\n  m: {%s}\n"
SENDER = """\
mailboxes: {m: {maildir: {path: /x}}}
modules:
  a: {targets: ["*"], roundtrip: {from: a@b.example, mailbox: m, send: {%s}}}
"""
LOGIN = "username: u, password: hunter2"


def found(
    text: str, *, here: bool = True, usage: bool = False, now: float | None = None
) -> list[str]:
    read = reading(Settings, [("f", text.encode())], references)
    lines = [str(one) for one in review(read, here=here, usage=usage, now=now)]
    assert not any("hunter2" in line for line in lines)
    return lines


def lines_of(path: Path, content: bytes) -> list[str]:
    path.write_bytes(content)
    return found(MAILBOX % f"imap: {{host: h, username: u, password: {{file: {path}}}}}")
