"""Policies of MTA-STS (RFC 8461): what a domain says of its exchangers. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, cast

from exporter.core.one_line import one_line
from exporter.core.saved_policy import LONGEST
from exporter.net.tls.host_pattern import matches

Mode = Literal["enforce", "testing", "none"]
HTTPS = 443  # the port of its host
MOST_PATTERNS = 1000
_RECORD = re.compile(r"v=STSv1[ \t]*;[ \t]*id=([A-Za-z0-9]{1,32})[ \t]*(;[ \t]*([A-Za-z0-9].*)?)?")


class Malformed(ValueError):
    """It is no policy; the text says why."""


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """What a domain requires of its exchangers."""

    mode: Mode
    patterns: tuple[str, ...]
    max_age: float  # seconds

    def covers(self, host: str) -> bool:
        """Whether this is one of the exchangers (section 4.1)."""
        return any(matches(pattern, host) for pattern in self.patterns)


def version_of(records: Collection[str]) -> str | None:
    """The id of the policy by the TXT records at `_mta-sts`; None if they announce none, or
    several (section 3.1)."""
    announced = [one for one in records if one.startswith("v=STSv1")]
    if len(announced) != 1 or not (found := _RECORD.fullmatch(announced[0])):
        return None
    return found[1]


def parse(text: str) -> StsPolicy:
    """Reads a policy (section 3.2). Unknown fields are ignored; of a field that may stand once, the
    first counts. Raises Malformed."""
    fields: dict[str, str] = {}
    patterns: list[str] = []
    for line in filter(str.strip, text.replace("\r\n", "\n").split("\n")):
        name, colon, value = (part.strip(" \t") for part in line.partition(":"))
        if not colon:
            raise Malformed(f"a line without a colon: {one_line(line, 80)!r}")
        if name == "mx":
            patterns.append(value)
        else:
            fields.setdefault(name, value)
    if fields.get("version") != "STSv1":
        raise Malformed("no `version: STSv1`")
    mode, age = fields.get("mode", ""), fields.get("max_age", "")
    if mode not in ("enforce", "testing", "none"):
        raise Malformed(f"the mode is {one_line(mode, 40)!r}")
    if not re.fullmatch(r"[0-9]{1,10}", age) or int(age) > LONGEST:
        raise Malformed(f"max_age is {one_line(age, 40)!r}")
    if mode != "none" and not patterns:
        raise Malformed("no mx")
    if len(patterns) > MOST_PATTERNS:
        raise Malformed(f"more than {MOST_PATTERNS} mx")
    return StsPolicy(cast(Mode, mode), tuple(patterns), float(age))
