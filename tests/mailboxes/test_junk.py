"""Names of junk folders."""

import pytest

from exporter.core.reasons import Reason
from exporter.mailboxes.junk import is_junk, reasons_of_folders


@pytest.mark.parametrize(
    "name",
    [
        *("Junk", "junk", "SPAM", "Junk E-mail", "Unerwünscht", "unerwu\u0308nscht", "СПАМ"),
        *("İstenmeyen e-posta", "迷惑メール", "Lixo eletrônico", "דואר זבל"),
    ],
)
def test_a_junk_folder_is_known_in_any_case_and_form(name: str) -> None:
    assert is_junk(name)


@pytest.mark.parametrize("name", ["INBOX", "", "Junk/2026", "No Spam", "Spam ", "Trash", "Junk,"])
def test_another_folder_is_none(name: str) -> None:
    assert not is_junk(name)


def test_only_the_inbox_is_never_for_spam() -> None:
    assert reasons_of_folders(["INBOX", "inbox"]) == frozenset()
    assert reasons_of_folders([]) == frozenset()
    assert reasons_of_folders(["INBOX", "Archive"]) == {Reason.JUNK}
