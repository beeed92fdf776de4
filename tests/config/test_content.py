"""Content of messages in the configuration: in place, or in files."""

from pathlib import Path

import pytest

from exporter.checks.options import RoundtripOptions
from exporter.config.mistakes import Mistakes
from exporter.settings import Settings
from tests.checks.test_content import TEXT


def settings(option: str, most: str = "1MiB") -> Settings:
    return Settings.parse(TEXT.format(option=option, most=most).encode(), "m.yml")


def trip(option: str) -> RoundtripOptions:
    found = settings(option).modules["m"].roundtrip
    assert found
    return found


def test_texts_and_attachments_are_written_in_place_or_in_files(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b"\xef\xbb\xbf<p>Hello</p>\r\n")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    option = (
        f"{{body: Hello, html: {{file: {tmp_path}/a.html}}, attachment: [{{file:"
        f" {tmp_path}/a.pdf}},"
        f" {{file: {tmp_path}/a.pdf, name: invoice.pdf}}]}}"
    )
    found = trip(f"<<: {option}").content
    content = found.read()
    assert (content.body, content.html) == ("Hello", "<p>Hello</p>\n")
    assert [one.name for one in content.attachments] == ["a.pdf", "invoice.pdf"]
    assert {one.media_type for one in content.attachments} == {"application/pdf"}
    assert found.from_files
    alone = trip(f"attachment: {{file: {tmp_path}/a.pdf}}")
    assert [one.shown_name for one in alone.attachment] == ["a.pdf"]
    assert not trip("subject: Hello").content


def test_the_page_of_the_configuration_shows_them_as_they_are_written() -> None:
    shown = settings("<<: {body: Hello, html: {file: /a.html}, attachment: {file: /b.pdf}}").shown()
    assert "body: Hello" in shown
    assert "html:\n        file: /a.html" in shown
    again = Settings.parse(shown.encode(), "shown.yml")
    assert (
        again.modules["m"]
        == settings("<<: {body: Hello, html: {file: /a.html}, attachment: {file: /b.pdf}}").modules[
            "m"
        ]
    )


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("body: {env: X}", "roundtrip.body: not a text; write {file: PATH} or the text itself"),
        ("body: 5", "roundtrip.body: not a text; write {file: PATH} or the text itself"),
        ("html: {file: ~/a}", "roundtrip.html: `~` is not expanded: write the whole path"),
        ("html: ''", "roundtrip.html: not a text; write {file: PATH} or the text itself"),
        (
            "attachment: {file: /a, name: a/b}",
            "roundtrip.attachment.name: not the name of a file; write one such as invoice.pdf,"
            ' without / \\ : * ? " < > |',
        ),
        ("attachment: {name: b}", "roundtrip.attachment: file is missing"),
        (
            f"attachment: [{', '.join(['{file: /a}'] * 11)}]",
            "roundtrip.attachment: must have at most 10 entries",
        ),
    ],
)
def test_a_mistake_is_one_line(option: str, line: str) -> None:
    with pytest.raises(Mistakes) as raised:
        settings(option)
    assert str(raised.value).endswith(line)
    assert "\n" not in str(raised.value)


def test_a_text_may_have_several_lines() -> None:
    quoted = r'<<: {body: "Good day,\n\n\tpay.\n", html: "<p>Good day,</p>\n<p>pay.</p>\n"}'
    content = trip(quoted).content.read()
    assert content.body == "Good day,\n\n\tpay.\n"
    assert content.html == "<p>Good day,</p>\n<p>pay.</p>\n"
    again = Settings.parse(settings(quoted).shown().encode(), "shown.yml")
    assert again.modules["m"] == settings(quoted).modules["m"]
    with pytest.raises(Mistakes, match=r"roundtrip.body: contains a control character$"):
        settings(r'body: "Good\ad"')
    with pytest.raises(Mistakes, match="roundtrip.subject: contains a line break"):
        settings(r'subject: "Good\nday"')
