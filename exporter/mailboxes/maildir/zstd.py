"""Decompresses zstd, with the library of newer Pythons or its backport."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

_WINDOW = 24  # log2 of the bytes that it may refer back to: level 19 takes 23


class Zstd:
    """The interface of the decompressors of bz2 and lzma. Raises ValueError instead of an error of
    its own."""

    def __init__(self) -> None:
        self._inner = zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: _WINDOW}
        )

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        try:
            return self._inner.decompress(data, max_length)
        except zstd.ZstdError as error:
            raise ValueError(str(error)) from None
