"""Writes docs/faults.md from the tables in tests/atlas, whose every row a test makes and compares.

Run it in the project's directory: python -m docs.faults
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.atlas.faults import FAULTS
from tests.atlas.harmless import DISTURBANCES
from tests.atlas.table import Disturbance, Fault

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/faults.md"
COMMAND = "python -m docs.faults"

INTRODUCTION = f"""\
<!-- Generated from the tables in tests/atlas by "{COMMAND}". Change those, not this page. -->

# Faults

What breaks, what mailtrip says of it, and where to look first. Every row is made in the tests, on real mail servers
where these can show it, and a whole trip has to end with exactly these words: so the page cannot lie.

**At 3 a.m.**

1. Take `phase`, `step`, `reason` and `code` from the alert (the labels of `mailtrip_last_failure_info`), or the line
   that begins like `send/rcpt: rejected 550` from the log or from `mailtrip probe`.
2. Search this page for it. Where several rows say the same, the words of the server, in the log behind the code, tell
   them apart.
3. Look first where the row says. The **leg** (`mailtrip_leg_success`) says whose part it is: the way out (`send`), the
   servers between that and the mailbox (`delivery`), or the mailbox itself (`mailbox`).

A failure is **known** at once; after `session_timeout`, when a server hangs, or when a mailbox that is down has been
tried again that long; after `resolver.timeout`, when a name server hangs; as soon as a message that is not as it should
be, or the notice that it will not come, is there; or else after `timeout`, when the message has not come back.

Some things are no failures of a trip: see [what raises no alarm](#what-raises-no-alarm).

What the words mean is in [metrics.md](metrics.md#why-a-trip-breaks).
"""

HARMLESS = """\
## What raises no alarm

All this happens every day, to mail servers that are well. Every row is made in the tests too, and the trip is one
success: nothing late, lost or failed is counted, no leg is blamed, and nothing of ours stays in the mailbox.
"""


def page() -> str:
    """What docs/faults.md has to say."""
    parts = [INTRODUCTION]
    for title, faults in FAULTS.items():
        parts += [f"## {title}\n", "\n".join(_faults(faults)), ""]
    parts.append(HARMLESS)
    for title, disturbances in DISTURBANCES.items():
        parts += [f"### {title}\n", "\n".join(_disturbances(disturbances)), ""]
    return "\n".join(parts)


def _faults(faults: Sequence[Fault]) -> Iterator[str]:
    yield "| it says | what is broken | leg | known | look first at | how the test makes it |"
    yield "|---|---|---|---|---|---|"
    for fault in faults:
        cells = (fault.name, f"`{fault.verdict.leg}`", fault.known.value, fault.look, fault.made)
        yield f"| `{fault.verdict}` | {' | '.join(map(_cell, cells))} |"


def _disturbances(disturbances: Sequence[Disturbance]) -> Iterator[str]:
    yield "| what happens | what mailtrip does | how the test makes it |"
    yield "|---|---|---|"
    for one in disturbances:
        yield f"| {' | '.join(map(_cell, (one.name, one.does, one.made)))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
