"""The encoding of strings and names of folders in IMAP."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable


def quote(string: str) -> str:
    """A quoted string (RFC 3501 section 4.3), which must not contain line ends."""
    return '"' + re.sub(r'(["\\])', r"\\\1", string) + '"'


def encode_folder(name: str) -> str:
    """A folder's name in modified UTF-7 (RFC 3501 section 5.1.3)."""

    def shifted(match: re.Match[str]) -> str:
        base64 = b64encode(match[0].encode("utf-16-be", "surrogatepass")).decode()
        return f"&{base64.rstrip('=').replace('/', ',')}-"

    return re.sub(r"[^ -~]+", shifted, name.replace("&", "&-"))


def decode_folder(name: str) -> str:
    """A folder's name for people. Invalid modified UTF-7 is unchanged, so that the server still
    knows it."""

    def plain(match: re.Match[str]) -> str:
        base64 = match[1].replace(",", "/")
        try:
            return b64decode(base64 + "=" * (-len(base64) % 4), validate=True).decode("utf-16-be")
        except ValueError:
            return match[0]

    return re.sub(r"&([A-Za-z0-9+,]+)-", plain, name).replace("&-", "&")


def uid_set(uids: Iterable[int]) -> str:
    """`1:3,7`: exactly these UIDs, and no others (RFC 3501 section 9, sequence-set)."""
    ranges: list[list[int]] = []
    for uid in sorted(set(uids)):
        if ranges and uid == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], uid]
        else:
            ranges.append([uid])
    return ",".join(":".join(map(str, one)) for one in ranges)
