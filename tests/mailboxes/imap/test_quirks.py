"""What IMAP servers are known to do differently: each a dialogue with its source, and the message
arrives all the same.

The comments at the top of a dialogue may hold what the test has to do with it:

    # options: auth=plain     options of the mailbox
    # folders: INBOX, \\Junk
    # found: 2                so many messages are seen (default: 1)
    # waits: yes              between two looks, the session idles
    # deletes: yes            the message is deleted in the end
    # closes: yes             the session parts politely
    # fails: auth CODE        how it ends instead, and what is said
    # says: words
"""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from exporter.core.model import ProbeError
from exporter.core.timing.wake import Wake
from exporter.mailboxes.session import Sighting
from tests.support.imap_rig import ImapRig, rig
from tests.support.imap_server import DIALOGUES

QUIRKS = sorted(path.stem for path in (DIALOGUES / "quirks").glob("*.txt"))
MOST_POLLS = 6
BETWEEN = 1.1  # seconds


def directives(name: str) -> dict[str, str]:
    text = Path(DIALOGUES / "quirks" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(
        re.findall(
            r"^# (options|folders|found|waits|deletes|closes|fails|says): (.*)$", text, re.MULTILINE
        )
    )


def options(wanted: dict[str, str]) -> dict[str, Any]:
    given = dict(pair.split("=") for pair in wanted.get("options", "").split())
    chosen = {name: False if value == "false" else value for name, value in given.items()}
    return {**chosen, "folders": wanted.get("folders", "INBOX").split(", ")}


async def course(here: ImapRig, wanted: dict[str, str]) -> None:
    found: list[Sighting] = []
    async with asyncio.timeout(20), here.session() as session:
        for _ in range(MOST_POLLS):
            found += await session.scan()
            if len(found) >= int(wanted.get("found", 1)):
                break
            if "waits" in wanted:
                await session.wait(3600.0 if "DONE" not in here.transcript else 0.0, impatient())
            here.now += BETWEEN
        assert b"hello" in [sighting.raw for sighting in found]
        if "deletes" in wanted:
            await session.delete(found)
        if "closes" in wanted:
            await session.close()


def impatient() -> Wake:
    """Is set in a moment, should the server have nothing to say."""
    wake = Wake()
    asyncio.get_running_loop().call_later(0.2, wake.set)
    return wake


@pytest.mark.parametrize("name", QUIRKS)
async def test_a_server_with_habits_of_its_own_is_borne_with(name: str) -> None:
    wanted = directives(name)
    async with rig(f"quirks/{name}", **options(wanted)) as here:
        if "fails" not in wanted:
            try:
                await course(here, wanted)
            except ProbeError as error:
                pytest.fail(f"{error}; {here.peer.mistakes}\n{here.transcript}")
        else:
            with pytest.raises(ProbeError) as caught:
                await course(here, wanted)
            reason, _, code = wanted["fails"].partition(" ")
            assert caught.value.reason == reason
            assert code in caught.value.code
            assert wanted.get("says", "") in caught.value.detail
        assert "labpass" not in here.transcript
        assert "AG1lAGxhYnBhc3M=" not in here.transcript


def test_each_dialogue_has_its_source() -> None:
    assert len(QUIRKS) > 120
    for name in QUIRKS:
        first, second = (
            (DIALOGUES / "quirks" / f"{name}.txt").read_text(encoding="utf-8").splitlines()[:2]
        )
        assert first.startswith("# ")
        assert second.startswith("# ")
