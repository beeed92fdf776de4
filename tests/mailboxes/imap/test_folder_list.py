"""Which folders of an IMAP server are looked into, and which of them is the one for junk."""

import pytest

from exporter.mailboxes.imap.folder_list import FolderList
from exporter.net.imap.names import encode_folder
from exporter.net.imap.reader import Reader, folders
from tests.support.imap_rig import opened


def listing(*lines: str) -> FolderList:
    return FolderList(
        folders(list(Reader().feed("".join(f"* LIST {line}\r\n" for line in lines).encode())))
    )


@pytest.mark.parametrize(
    "folder",
    [
        '() "/" Junk',
        '() "/" "[Gmail]/Spam"',
        '() "." INBOX.Junk',
        '() "\\\\" "INBOX\\\\Bulk Mail"',
        '(\\HasChildren) NIL "Junk E-mail"',
        '() "/" "INBOX/Unerw&APw-nscht"',
        '() "." "INBOX.Ongewenste e-mail"',
        '() "/" "&j,dg0TDhMPww6w-"',
        '(\\JUNK) "/" Odd',
    ],
)
def test_the_folder_for_junk_is_known_by_its_mark_or_its_name(folder: str) -> None:
    there = listing('() "/" INBOX', folder, '() "/" Archive')
    (name,) = there.named(["\\Junk"])
    assert name not in ("INBOX", "Archive")
    assert there.is_junk(name)


@pytest.mark.parametrize(
    "folder",
    [
        '() "/" Junkyard',
        '() "/" Junk/2026',
        '() "." Lists/Spam',
        "() NIL INBOX.Junk",
        "() NIL a/Junk",
    ],
)
def test_a_folder_that_is_only_similar_is_not_the_one_for_junk(folder: str) -> None:
    assert listing(folder).named(["\\Junk"]) == []


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        (['() "/" Spam', '(\\Junk) "/" a/b/Odd'], "a/b/Odd"),
        (['() "/" a/Spam', '() "/" Spam', '() "/" Junk'], "Spam"),
        (['() "/" Junk', '() "/" Spam'], "Junk"),
        (['(\\Junk) "/" shared/x/Junk', '(\\Junk) "/" Own'], "Own"),
        (['(\\Noselect \\Junk) "/" Junk', '() "/" a/Spam'], "a/Spam"),
        (['(\\NonExistent) "/" Junk', '() "/" a/Spam'], "a/Spam"),
    ],
)
def test_of_several_folders_for_junk_the_marked_one_is_taken_then_the_highest_then_the_first(
    lines: list[str], chosen: str
) -> None:
    assert listing(*lines).named(["\\Junk"]) == [chosen]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "SPAM",
            "junk-e-mail",
            "Courrier indésirable",
            "Skra\N{COMBINING DIAERESIS}ppost",
            "спам",
            "İstenmeyen e-posta",
        ),
        *("迷惑メール", "垃圾郵件", "דואר זבל", "هرزنامه", "Thư rác", "สแปม"),
    ],
)
def test_folders_for_junk_have_names_in_many_languages(name: str) -> None:
    wire = encode_folder(name)
    assert listing(f'() "/" "Mail/{wire}"').named(["\\Junk"]) == [f"Mail/{wire}"]


def test_only_junk_is_known_by_its_name() -> None:
    there = listing('() "/" Junk', '(\\Archive) "/" Old')
    assert there.named(["\\Trash", "INBOX", "\\archive", "Old", "Entwürfe"]) == [
        "INBOX",
        "Old",
        "Entw&APw-rfe",
    ]


def test_a_configured_folder_is_for_junk_if_its_mark_or_its_name_says_so() -> None:
    there = listing('() "." INBOX.Spam', '(\\Junk) "." INBOX.Odd', '() "." INBOX.Archive')
    names = there.named(["INBOX", "INBOX.Spam", "INBOX.Odd", "INBOX.Archive", "Spam", "INBOX.Junk"])
    assert [name for name in names if there.is_junk(name)] == ["INBOX.Spam", "INBOX.Odd", "Spam"]


async def test_without_special_uses_junk_is_looked_for_by_name() -> None:
    async with opened("junk-by-name", folders=["INBOX", "\\Junk"]) as (session, here):
        here.now += 1.1
        assert [(sighting.folder, sighting.junk) for sighting in await session.scan()] == [
            ("INBOX", False),
            ("INBOX.Courrier indésirable", True),
        ]


async def test_a_server_that_does_not_understand_what_it_offers_is_asked_more_simply() -> None:
    async with opened("list-with-return-refused", folders=["INBOX", "\\Junk"]):
        pass


async def test_a_server_that_lists_nothing_still_has_the_folders_of_the_configuration() -> None:
    async with opened("list-refused", folders=["INBOX", "\\Junk", "Spam"]):
        pass
