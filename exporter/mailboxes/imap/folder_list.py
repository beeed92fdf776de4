"""The folders that an IMAP server lists; finds one by name, by special use, or by a usual name."""

from collections.abc import Iterable

from exporter.mailboxes.junk import is_junk
from exporter.net.imap.connection import ImapConnection
from exporter.net.imap.names import decode_folder, encode_folder
from exporter.net.imap.reader import Listed, folders
from exporter.net.imap.reply import Reply

# They only have folders below them, or have been deleted.
_NO_FOLDERS = frozenset({"\\noselect", "\\nonexistent"})
# \Spam is that of XLIST, from which RFC 6154 was made.
_MARKS = {"\\junk": frozenset({"\\junk", "\\spam"})}


class FolderList:
    """The selectable folders, top-level ones first. If several match, the first is used."""

    def __init__(self, listed: Iterable[Listed] = ()) -> None:
        self._folders = sorted(
            (folder for folder in listed if not folder.flags & _NO_FOLDERS), key=_depth
        )

    def named(self, wanted: Iterable[str]) -> list[str]:
        """The folders as the server spells them, each once. A special use that no folder has is
        left out."""
        names = (
            self.special(name) if name.startswith("\\") else self._spelled(name) for name in wanted
        )
        return list(dict.fromkeys(filter(None, names)))

    def _spelled(self, wanted: str) -> str:
        """The server's name of a folder from the configuration: written in UTF-8, perhaps with
        slashes."""
        wire = encode_folder(wanted)
        if wire.upper() == "INBOX" or any(folder.name == wire for folder in self._folders):
            return wire
        for folder in self._folders:
            name = _readable(folder.name)
            if wanted in (name, name.replace(folder.delimiter, "/") if folder.delimiter else name):
                return folder.name
        return wire

    def special(self, use: str) -> str:
        """The folder of this special use (RFC 6154), or one with a usual name for junk; empty if
        none."""
        marks = _MARKS.get(use.lower(), {use.lower()})
        marked = (folder.name for folder in self._folders if folder.flags & marks)
        called = (
            folder.name
            for folder in self._folders
            if use.lower() == "\\junk" and is_junk(_title(folder))
        )
        return next(marked, "") or next(called, "")

    def is_junk(self, name: str) -> bool:
        """Whether this folder, in the server's spelling, is any junk folder."""
        listed = next(
            (folder for folder in self._folders if folder.name == name),
            Listed(name, "", frozenset()),
        )
        return bool(listed.flags & _MARKS["\\junk"]) or is_junk(_title(listed))


async def list_folders(imap: ImapConnection, wanted: Iterable[str]) -> FolderList:
    """Lists the server's folders, unless only INBOX is needed."""
    if not gmail(imap) and all(name.upper() == "INBOX" for name in wanted):
        return FolderList()
    option = ["RETURN (SPECIAL-USE)"] if "SPECIAL-USE" in imap.capabilities else []
    reply: Reply = await imap.simple_command("LIST", '""', '"*"', *option)
    # Offered and not understood, as happens; most servers tell the uses anyhow.
    if option and reply.result != "OK":
        reply = await imap.simple_command("LIST", '""', '"*"')
    return FolderList(folders(reply.lines))


def gmail(imap: ImapConnection) -> bool:
    """A folder is only a label there:
    https://developers.google.com/workspace/gmail/imap/imap-extensions."""
    return "X-GM-EXT-1" in imap.capabilities


def _depth(folder: Listed) -> int:
    return folder.name.count(folder.delimiter) if folder.delimiter else 0


def _title(folder: Listed) -> str:
    """The name for people, without parent folders."""
    name = _readable(folder.name)
    return (name.rpartition(folder.delimiter)[2] if folder.delimiter else name).strip()


def _readable(name: str) -> str:
    """The name for people; invalid bytes are decoded as Latin letters."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return decode_folder(name)
