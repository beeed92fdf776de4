"""Why a conversation by SMTP may fail: all that replies can come to is foreseen."""

import pytest

from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.net.smtp.reply import reason_for
from exporter.net.smtp.scope import REASONS, STEPS

WORDS = (
    *("", "4.2.2 mailbox full", "5.7.0 Must issue a STARTTLS command first"),
    *("5.3.4 message too big", "5.7.11 Encryption required"),
    "quota exceeded",
    "sorry (#5.2.2)",
)


@pytest.mark.parametrize("step", sorted(STEPS))
def test_the_reason_of_every_reply_is_foreseen(step: str) -> None:
    steps = [one for one in STEPS if one == step]
    found = {
        reason_for(one, code, words) for one in steps for code in range(200, 600) for words in WORDS
    }
    assert found <= REASONS | {Reason.AUTH}
    assert all(Phase.SEND in reason.phases for reason in found)
