"""Values of header fields in the configuration."""

import pytest
from pydantic import TypeAdapter, ValidationError

from exporter.config.header import AuthservId, AuthservIds


@pytest.mark.parametrize(
    "word", ["", "two words", "a;b", "spf=pass", '"x"', "(x)", "é", "x\n", "x" * 254]
)
def test_a_name_that_no_server_can_have_is_a_mistake(word: str) -> None:
    with pytest.raises(ValidationError, match="not a single ASCII word"):
        TypeAdapter(AuthservId).validate_python(word)
    assert TypeAdapter(AuthservId).validate_python("MX.example.net") == "mx.example.net"
    with pytest.raises(ValidationError, match="not a single ASCII word"):
        TypeAdapter(AuthservIds).validate_python(["mx.example.net", word])


def test_one_name_or_a_list_of_them() -> None:
    names = TypeAdapter(AuthservIds)
    assert names.validate_python("MX.example.net") == ("mx.example.net",)
    assert names.validate_python(["a", "B"]) == ("a", "b")
    for wrong in ([], ["a"] * 21):
        with pytest.raises(ValidationError, match="must have one to 20 names"):
            names.validate_python(wrong)
