"""A rig for each kind of mailbox, and how a contract test asks for it.

The contract tests know nothing but the protocol `MailboxRig`, so a new kind of mailbox is tested as
soon as it has one. What a kind can not do is a trait of its rig: a test says with `every(...)`
which traits it needs.
"""

import pytest

from tests.support.cyrus_rig import CyrusMailboxRig
from tests.support.dovecot_rigs import DeliveredMaildirRig, DovecotImapRig, DovecotPop3Rig
from tests.support.graph_rigs import GraphMailboxRig
from tests.support.local_rigs import LocalMaildirRig, SmtpdRig
from tests.support.mailbox_rig import MailboxRig

RIGS: dict[str, tuple[type[MailboxRig], ...]] = {
    "graph": (GraphMailboxRig,),
    "imap": (DovecotImapRig,),
    "jmap": (CyrusMailboxRig,),
    "maildir": (LocalMaildirRig, DeliveredMaildirRig),
    "pop3": (DovecotPop3Rig,),
    "smtpd": (SmtpdRig,),
}
"""By kind of mailbox, as in `exporter.mailboxes.MailboxOptions`."""


def every(*traits: str) -> pytest.MarkDecorator:
    """Runs a test with the fixture `rig` on every rig that has these traits."""
    chosen = [
        one
        for rigs in RIGS.values()
        for one in rigs
        if all(getattr(one, trait) for trait in traits)
    ]
    assert chosen, f"no rig has the traits {traits}"
    marks = {True: [pytest.mark.lab], False: []}
    names = {one: one.__name__.removesuffix("MailboxRig") for one in chosen}
    return pytest.mark.parametrize(
        "rig",
        [pytest.param(one, id=names[one], marks=marks[one.in_lab]) for one in chosen],
        indirect=True,
    )
