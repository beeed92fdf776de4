"""The results of checks, in the words of RFC 8601 section 2.7."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """What a method says of a message."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one method, and what it is about."""

    result: Result
    why: str = ""  # for people
    domain: str = ""  # who answers for the message
    record: str = ""  # the name in DNS that decided it, or that should have the missing record


class LookupFailed(Exception):
    """The DNS gave no answer, so that the result is `temperror`."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"{name}: {why}")


def temperror(error: LookupFailed, domain: str) -> Verdict:
    return Verdict(Result.TEMPERROR, str(error), domain, error.name)
