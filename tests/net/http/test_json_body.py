"""No answer in JSON keeps the loop from its work, however dense it is."""

import time
from contextlib import suppress

import pytest

from exporter.net.http.json_body import MOST_VALUES, TooManyValues, decoded
from tests.support.timed_turns import ATTEMPTS, LONGEST

SIZE = 1 << 20


def best_of(body: bytes) -> float:
    took = []
    for _ in range(ATTEMPTS):
        began = time.thread_time()
        with suppress(ValueError):
            decoded(body)
        took.append(time.thread_time() - began)
    return min(took)


@pytest.mark.parametrize("value", ["[]", "{}", '""', "1", "-1e5", '{"":1}', "[[[]]]", "null"])
def test_a_dense_answer_is_not_decoded(value: str) -> None:
    body = f"[{','.join([value] * (SIZE // (len(value) + 1)))}]".encode()
    with pytest.raises(TooManyValues):
        decoded(body)
    assert best_of(body) < LONGEST


@pytest.mark.parametrize(
    "body",
    [
        b"{%s}" % b",".join(b'"%d":[]' % n for n in range(MOST_VALUES // 2 - 1)),
        b"[%s]" % b",".join([b"1"] * (MOST_VALUES - 1)),
        b'["%s"]' % (rb"\u00e9" * (SIZE // 6)),
        b"[" * (MOST_VALUES - 1),
    ],
    ids=["objects", "numbers", "text", "depth"],
)
def test_what_is_decoded_takes_no_longer_than_a_turn(body: bytes) -> None:
    assert best_of(body) < LONGEST


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 5000, b"9" * 5000])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decoded(body)
