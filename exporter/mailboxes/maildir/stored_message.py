"""Messages read from a Maildir folder, in batches."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from exporter.mailboxes.maildir.folder import SUBDIRECTORIES, FirstSeen, Folder, Ref
from exporter.mailboxes.maildir.message import header_of, read_message
from exporter.mailboxes.maildir.packing import Unreadable

CHUNK = 100  # messages read at a time


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message that was read."""

    ref: Ref
    folder: str
    raw: bytes
    noticed: FirstSeen | None  # None for one that was there before


class UnreadableMessage(NamedTuple):
    """A message that cannot be read, and why. A `fresh` one has just arrived."""

    file: str
    why: str
    fresh: bool


def read_next(
    directory: str,
    folder: Folder,
    descriptors: tuple[int, int],
    messages: list[StoredMessage],
    unreadable: list[UnreadableMessage],
) -> Folder:
    new, older = list(folder.fresh)[:CHUNK], folder.older[:CHUNK]
    by_sub, seen = dict(zip(SUBDIRECTORIES, descriptors, strict=True)), set[str]()
    for unique in (*new, *older):
        sub, file = folder.file_of(unique) or ("", "")
        try:
            raw = read_message(by_sub[sub], file) if file else b""
        # Another program has just read or deleted it; the next listing shows that.
        except FileNotFoundError:
            continue
        except (PermissionError, Unreadable) as error:
            words = error.strerror if isinstance(error, PermissionError) else str(error)
            unreadable.append(
                UnreadableMessage(f"{directory}/{sub}/{file}", words or "", unique in folder.fresh)
            )
            raw = b""
        seen.add(unique)
        noticed = folder.fresh.get(unique)
        if raw:
            messages.append(
                StoredMessage(
                    Ref(directory, unique),
                    folder.title,
                    raw if noticed else header_of(raw),
                    noticed,
                )
            )
    fresh = {unique: noticed for unique, noticed in folder.fresh.items() if unique not in new}
    known = folder.known if folder.known.issuperset(seen) else folder.known | seen
    return replace(folder, known=known, fresh=fresh, older=folder.older[CHUNK:])
