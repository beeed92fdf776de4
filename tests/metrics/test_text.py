"""A long text in parts."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.text import Text


@given(st.lists(st.binary(max_size=20)), st.integers(1, 50))
def test_pieces_are_the_whole_text_and_none_is_too_long(parts: list[bytes], size: int) -> None:
    text = Text()
    for part in parts:
        text.add([part])
    pieces = [bytes(piece) for piece in text.pieces(size)]
    assert b"".join(pieces) == bytes(text) == b"".join(parts)
    assert len(text) == len(bytes(text))
    assert all(1 <= len(piece) <= size for piece in pieces)


def test_a_text_of_many_parts_is_read_in_few_pieces() -> None:
    assert len(list(Text([b"0123456789"] * 1000).pieces(5000))) == 2


def test_of_a_shared_text_only_the_list_of_its_parts_takes_memory() -> None:
    parts = [b"x" * 100] * 10
    assert Text(parts).memory == 1080
    assert Text(parts, shared=True).memory == 80
