"""The mailboxes of an account (RFC 8621 section 2) in which a message may arrive. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exporter.core.one_line import one_line
from exporter.mailboxes.junk import is_junk
from exporter.net.jmap.mail import Place


@dataclass(frozen=True, slots=True)
class Folder:
    """The inbox, or the mailbox for junk."""

    id: str
    title: str
    junk: bool


def folders_of(places: Sequence[Place], clean: Callable[[str], str]) -> list[Folder]:
    """The inbox, then the mailbox for junk, if there is one: that with the role, or with a name
    that says so. Empty if there is no inbox. `clean` removes secrets from a title."""
    inbox = next((one for one in places if one.role == "inbox"), None)
    if inbox is None:
        return []
    others = [one for one in places if one is not inbox]
    marked = [one for one in others if one.role == "junk"]
    named = [one for one in others if not one.role and is_junk(one.name)]
    junk = (marked or named)[:1]
    return [
        Folder(one.id, clean(one_line(one.name, 100)), one is not inbox) for one in (inbox, *junk)
    ]
