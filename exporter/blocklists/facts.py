"""The properties of a list that an administrator or the catalogue can set."""

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from exporter.blocklists.blocklist import KEY, Kind, Severity
from exporter.config.address import check_host
from exporter.config.types import Options, Text

_CODE = re.compile(r"127(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}")


def check_zone(text: str) -> str:
    """The zone in lower case. Raises ValueError with the cure, without the zone: it may hold a
    key."""
    zone = text.removesuffix(".").lower()
    plain = zone.replace(KEY, "key", 1)
    try:
        fit = (
            check_host(plain) == plain
            and plain.isascii()
            and "." in plain
            and not plain[-1].isdigit()
        )
    except ValueError:
        fit = False
    if not fit or ":" in plain:
        raise ValueError(
            "not a zone; write a name such as zen.spamhaus.org, with {key} in place of a key"
        )
    return zone


def _code(text: str) -> str:
    if not _CODE.fullmatch(text.replace("*", "0")):
        raise ValueError(
            "not a code; write an address such as 127.0.0.2, where * stands for any octet"
        )
    return text


def _bit(text: str) -> str:
    if text not in {str(1 << n) for n in range(8)}:
        raise ValueError("not a bit; write one of 1, 2, 4, 8, 16, 32, 64, 128")
    return text


def _page(text: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", text):
        raise ValueError("not the URL of a page; write one that begins with https://")
    return text


Code = Annotated[
    str,
    AfterValidator(_code),
    WithJsonSchema({"type": "string", "title": "address in 127.0.0.0/8"}),
]
Bit = Annotated[str, AfterValidator(_bit), WithJsonSchema({"type": "string", "title": "bit"})]
Page = Annotated[str, AfterValidator(_page), WithJsonSchema({"type": "string", "title": "URL"})]


class ListFacts(Options):
    """Properties of a list. None means not set."""

    kind: Kind | None = None
    """`block`: a listing is a failure. `allow`: a list of good senders. `info`: a listing is only
    reported."""

    severity: Severity | None = None
    """How serious a listing is: `high`, `medium` or `low`. Default: from the catalogue, else
    `medium`."""

    codes: dict[Code, Text] | None = None
    """The answers that mean a listing, and the meaning of each, such as `{127.0.0.2: spam source}`;
    `*` stands for any octet. Default: from the catalogue, else everything in 127.0.0.0/8 except
    127.0.0.1 and 127.255.255.0/24."""

    bits: dict[Bit, Text] | None = None
    """For a list whose answers are bit masks: the meaning of each bit of the last octet, such as
    `{2: black, 4: grey}`."""

    errors: list[Code] | None = None
    """The answers that mean that the list refuses our queries. 127.255.255.0/24 is always
    included."""

    test_entry: Text | None = None
    """Its test entry, if that is not 127.0.0.2, ::FFFF:7F00:2 or TEST."""

    delisting: Page | None = None
    """The page that explains how to be removed from the list."""
