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

What can fail, how mailtrip reports it, and where to look first. The tests cause every fault, on
real mail servers where possible, and compare the result of a complete trip with this page.

**At 3 a.m.**

1. Take `phase`, `step`, `reason` and `code` from the alert (the labels of
   `mailtrip_last_failure_info`), or the line such as `send/rcpt: rejected 550` from the log or from
   `mailtrip probe`.
2. Search this page for it. If several rows match, the text of the server, after the code in the
   log, distinguishes them.
3. Follow the column "look first at". The **leg** (`mailtrip_leg_success`) shows which part failed:
   sending (`send`), the servers between that and the mailbox (`delivery`), or the mailbox itself
   (`mailbox`).

The column **known** says when a failure is detected: at once; after `session_timeout`, if a server
hangs, or if retries to open a mailbox failed for that time; after `resolver.timeout`, if a name
server hangs; as soon as an altered message or a bounce arrives; otherwise after `timeout`, if the
message has not arrived. With `mx`, each exchanger that hangs, and its second address, takes
`session_timeout`.

Some events are not failures of a trip: see [what raises no alarm](#what-raises-no-alarm).

The terms are explained in [metrics.md](metrics.md#why-a-trip-breaks).
"""

HARMLESS = """\
## What raises no alarm

These events are normal for healthy mail servers. The tests cause each of them, too, and the trip
succeeds: no message is counted as late, lost or failed, no leg fails, and no probe message stays in
the mailbox.
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
        leg = f"`{fault.verdict.leg}`" if fault.verdict.leg else "none"
        cells = (fault.name, leg, fault.known.value, fault.look, fault.made)
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
