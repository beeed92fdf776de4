"""A bench for each kind of mailbox, and how a contract test asks for it.

The contract tests know nothing but the protocol `MailboxBench`, so a new kind of mailbox is tested as soon
as it has one. What a kind can not do is a trait of its bench: a test says with `every(...)` which
traits it needs.
"""

import pytest

from tests.support.dovecot_benches import DeliveredMaildirBench, ImapBench, Pop3Bench
from tests.support.local_benches import MaildirBench, SmtpdBench
from tests.support.mailbox_bench import MailboxBench

BENCHES: dict[str, tuple[type[MailboxBench], ...]] = {
    "imap": (ImapBench,),
    "maildir": (MaildirBench, DeliveredMaildirBench),
    "pop3": (Pop3Bench,),
    "smtpd": (SmtpdBench,),
}
"""By kind of mailbox, as in `exporter.mailboxes.MailboxOptions`."""


def every(*traits: str) -> pytest.MarkDecorator:
    """Runs a test with the fixture `bench` on every bench that has these traits."""
    chosen = [
        one
        for benches in BENCHES.values()
        for one in benches
        if all(getattr(one, trait) for trait in traits)
    ]
    assert chosen, f"no bench has the traits {traits}"
    marks = {True: [pytest.mark.lab], False: []}
    names = {one: one.__name__.removesuffix("MailboxBench") for one in chosen}
    return pytest.mark.parametrize(
        "bench",
        [pytest.param(one, id=names[one], marks=marks[one.in_lab]) for one in chosen],
        indirect=True,
    )
