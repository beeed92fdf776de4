"""Values of an answer, which may be anything."""

from typing import Any

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.jmap import values

ODD: list[Any] = [None, True, 1, 1.5, "text", [], {}, ["a", 1, {"b": 2}], {"c": 3}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_any_value_has_the_type_that_is_asked_for(odd: object) -> None:
    answer = {"x": odd}
    assert all(isinstance(one, dict) for one in values.objects(answer, "x"))
    assert all(isinstance(one, str) for one in values.texts(answer, "x"))
    assert isinstance(values.mapping(answer, "x"), dict)
    assert isinstance(values.text(answer, "x"), str)
    assert values.number(answer, "x") in (None, 1)


def test_what_has_the_type_is_kept_and_the_rest_is_left_out() -> None:
    answer = {"x": ["a", 1, {"b": 2}], "m": {"c": 3}, "t": "text", "n": 7, "list": [{"d": 4}, 5]}
    assert values.objects(answer, "x") == [{"b": 2}]
    assert values.objects(answer) == [{"d": 4}]
    assert values.texts(answer, "x") == ["a"]
    assert values.mapping(answer, "m") == {"c": 3}
    assert values.text(answer, "t") == "text"
    assert values.number(answer, "n") == 7


def test_true_is_no_number() -> None:
    assert values.number({"n": True}, "n") is None
    assert values.number({"n": 0}, "n") == 0


@pytest.mark.parametrize("answer", [{}, {"id": ""}, {"id": None}, {"id": 1}])
def test_a_text_that_is_needed_is_there(answer: dict[str, object]) -> None:
    assert values.needed({"id": "a"}, "id") == "a"
    with pytest.raises(ProbeError, match="sent no id") as caught:
        values.needed(answer, "id")
    assert caught.value.reason is Reason.PROTOCOL
