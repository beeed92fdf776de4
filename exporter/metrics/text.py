"""A long text in parts."""

from collections.abc import Iterable, Iterator

REFERENCE = 8  # bytes


class Text:
    """A text that is never copied as a whole. Its length is in bytes. If it is `shared`, its parts
    also belong to others."""

    def __init__(self, parts: Iterable[bytes] = (), *, shared: bool = False) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._shared = shared
        self.add(parts)

    @property
    def memory(self) -> int:
        """The bytes that would be free without it."""
        return REFERENCE * len(self._parts) + (0 if self._shared else self._size)

    def add(self, parts: Iterable[bytes]) -> None:
        new = list(parts)
        self._parts += new
        self._size += sum(map(len, new))

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The text in pieces of at most `size` bytes."""
        parts, found = list[bytes](), 0
        for part in self._parts:
            parts.append(part)
            found += len(part)
            if found >= size:
                yield from _slices(b"".join(parts), size)
                parts, found = [], 0
        yield from _slices(b"".join(parts), size)

    def decode(self) -> str:
        return bytes(self).decode()

    def __bytes__(self) -> bytes:
        return b"".join(self._parts)

    def __len__(self) -> int:
        return self._size


def _slices(data: bytes, size: int) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(view), size):
        yield view[start : start + size]
