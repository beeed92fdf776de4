"""Content of the user's own: read from files that change, and what became of it in a trip."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from exporter.checks.content import LARGEST_CONTENT, ContentFiles, ContentUnusable
from exporter.commands.review import review
from exporter.config.content import AttachmentOptions, TextOrFile
from exporter.core.facts import Alteration, Altered
from exporter.core.model import Outcome
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.settings import Settings
from tests.support import virtual_time as virtual
from tests.support.prober_rig import ProberRig

TEXT = """\
mailboxes:
  own: {{smtpd: {{listen: "127.0.0.1:0", recipients: [x@example.org], max_message_size: {most}}}}}
modules:
  m:
    targets: ["*@example.org"]
    roundtrip:
      from: a@example.org
      send: {{mx: {{}}}}
      mailbox: own
      {option}
"""
HTML = '<p>Dear customer, <a href="https://pay.example.org/7">pay</a></p>'


def unusable(content: ContentFiles) -> str:
    with pytest.raises(ContentUnusable) as raised:
        content.read()
    return str(raised.value)


def test_a_file_that_cannot_be_used_is_named_with_its_line_and_the_cure(tmp_path: Path) -> None:
    file = tmp_path / "text"
    of = partial(TextOrFile, file=str(file))
    assert unusable(ContentFiles(of())) == f"cannot read {file}: No such file or directory"
    file.write_bytes(b"")
    assert unusable(ContentFiles(of())) == f"the file {file} is empty"
    file.write_bytes(b" \n")
    assert unusable(ContentFiles(of())) == f"the file {file} contains only blanks"
    file.write_bytes(b"one\ntw\xf6")
    assert unusable(ContentFiles(of())) == (
        f"{file}, line 2: the byte 0xF6 is not UTF-8: save the file as UTF-8"
    )
    file.write_bytes(b"one\ntwo\0")
    assert unusable(ContentFiles(of())) == (
        f"{file}, line 2: contains a null byte: save it as a text in UTF-8"
    )
    file.write_bytes(b"<p>Hello <!-- never closed")
    assert unusable(ContentFiles(html=of())) == (
        f"the HTML in {file} has no visible end: close its comments, its quotes and its elements"
        " head, style and script"
    )
    with file.open("wb") as opened:
        opened.truncate(LARGEST_CONTENT // 2 + 1)
    attached = [AttachmentOptions(file=str(file))] * 2
    assert unusable(ContentFiles(attachments=attached)) == (
        "body, html and attachments have 10,485,762 bytes together; the limit is 10MiB"
    )
    with file.open("wb") as opened:
        opened.truncate(LARGEST_CONTENT + 1)
    assert unusable(ContentFiles(attachments=attached)) == f"the file {file} is larger than 10MiB"


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("one")
    content = ContentFiles(TextOrFile(file=str(file)))
    first = content.read()
    assert content.read() is first
    new = tmp_path / "new"
    new.write_text("two")
    os.replace(new, file)
    assert content.read().body == "two"


def test_check_says_what_cannot_be_used_and_what_is_too_large(tmp_path: Path) -> None:
    def found(option: str, most: str = "1MiB") -> list[str]:
        raw = TEXT.format(option=option, most=most)
        (tmp_path / "m.yml").write_text(raw)
        lines = map(str, review(Settings.reading(str(tmp_path / "m.yml"))))
        return [one.partition("roundtrip")[2] for one in lines if "roundtrip" in one]

    file = tmp_path / "a.pdf"
    assert found(f"attachment: {{file: {file}}}") == [
        f".attachment.file: cannot read {file}: No such file or directory"
    ]
    file.write_bytes(bytes(800_000))
    (line,) = found(f"attachment: {{file: {file}}}")
    assert line == (
        ".attachment: the message with its files is larger than max_message_size of the mailbox"
        " own, 1MiB: it refuses every message"
    )
    (line,) = found(f"<<: {{require: [dkim], attachment: {{file: {file}}}}}", "2MiB")
    assert line.startswith(".require: dkim needs the whole message")
    assert found(f"attachment: {{file: {file}}}", "2MiB") == []
    (line,) = found("html: '<p>Hello <style>'")
    assert line.startswith(".html: the HTML has no visible end")


def of(**more: object) -> Callable[[], ProberRig]:
    return partial(ProberRig, **more)  # type: ignore[arg-type]


def altered(outcome: Outcome) -> list[Alteration]:
    return [fact for fact in outcome.facts if isinstance(fact, Alteration)]


@virtual.on_a(of(body="Dear customer,\n\npay.\n", html=HTML))
async def test_a_trip_with_own_content_succeeds(rig: ProberRig) -> None:
    outcome = await rig.trip()
    assert outcome.failure is None
    assert altered(outcome) == []


@virtual.on_a(of(html=HTML))
async def test_a_trip_names_each_part_that_was_changed(rig: ProberRig) -> None:
    rig.sender.on_the_way = lambda raw: raw.replace(b"//pay.example.org", b"//safe.example.com")
    outcome = await rig.trip()
    assert str(outcome.failure) == (
        "verify: altered: the links in the HTML of the message were changed in transit"
    )
    assert altered(outcome) == [Alteration("links", Altered.CHANGED)]
    assert rig.mailbox.messages == {}


@virtual.on_a(of(attachment={"file": "/nowhere/invoice.pdf"}))
async def test_a_file_that_is_gone_fails_the_trip_before_anything_is_sent(rig: ProberRig) -> None:
    failure = (await rig.trip()).failure
    assert failure
    assert (failure.phase, failure.reason, failure.code) == (Phase.SEND, Reason.PROGRAM, "file")
    assert failure.detail == "cannot read /nowhere/invoice.pdf: No such file or directory"
    assert rig.sender.sent == []
