"""The folders of a mailbox, when it is opened."""

import pytest

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.mailboxes.imap.test_opening import why
from tests.support.imap_rig import opened


@pytest.mark.parametrize(
    ("dialogue", "folders", "detail"),
    [
        (
            "folder-missing",
            ["INBOX", "Entwürfe"],
            "refuses STATUS of the folder Entwürfe: [NONEXISTENT] no such mailbox",
        ),
        ("first-folder-missing", ["Monitor"], "refuses SELECT of the folder Monitor: no"),
    ],
)
async def test_a_folder_that_is_missing_is_named(
    dialogue: str, folders: list[str], detail: str
) -> None:
    error, run = await why(dialogue, folders=folders)
    assert (error.reason, run.failure(error).step) == (Reason.REJECTED, Step.SELECT)
    assert detail in error.detail


async def test_a_special_use_that_no_folder_has_is_left_out() -> None:
    async with opened("no-special-use", folders=["INBOX", "\\Junk"]):
        pass
