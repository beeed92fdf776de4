"""Lists of tags, as signatures and keys are written."""

import pytest

from exporter.authentication.tag_list import tags_of


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        (" a = 1 2 ;b=;", {"a": "1 2", "b": ""}),
        ("a=x=y", {"a": "x=y"}),
        ("a=1;;b=2", None),
        ("a=1; a=2", None),
        ("a", None),
        ("1=a", None),
        ("", None),
        ("a=" + "x" * 20000, None),
    ],
)
def test_lists_of_tags(text: str, tags: dict[str, str] | None) -> None:
    assert tags_of(text) == tags
