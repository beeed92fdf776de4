"""A request to Microsoft Graph, and its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exporter.core.steps import Step

MOST = 1 << 18  # bytes of an answer in JSON


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask for. `path` begins below the mailbox, or is a whole URL that Graph gave us."""

    method: str
    path: str
    step: Step
    note: str = ""  # of the step
    quiet: bool = False  # it is a step only if it fails
    content: bytes = field(default=b"", repr=False)
    content_type: str = ""
    prefer: str = ""
    # Called with True when all of the content has been sent, with False when there is an answer.
    in_doubt: Callable[[bool], None] = lambda doubt: None
    most: int = MOST
    cut: bool = False  # an answer that is longer is cut off there


@dataclass(frozen=True, slots=True)
class Answer:
    """What came. `wait` is in seconds: when Graph wants the next request, if it says so."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    cut: bool = False
    wait: float | None = None
