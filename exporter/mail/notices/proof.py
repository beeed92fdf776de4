"""What an answer to our message, or a notice that nothing is lost, proves. Pure; never raises."""

import re

from exporter.core.home import Home
from exporter.mail.bounces import DELIVERED, EXPANDED, FAILED, RELAYED, Bounce, bounce_in
from exporter.mail.mime import Part
from exporter.mail.notices import answers, plain
from exporter.mail.notices.leaves import notice, reports, texts
from exporter.mail.notices.phrases import OPENINGS
from exporter.mail.notices.words import squeezed

_OF_A_DELIVERY = (DELIVERED, RELAYED, EXPANDED)
# Of a server, in any language: 550 5.1.1, or 550-5.1.1.
_REFUSAL = re.compile(r"(?<![\d.])5\d\d[ -]#?5\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)


def proof_of(message: Part, bounce: Bounce | None) -> Home | None:
    """For which way home such a message is the arrival; `bounce` is what it says as a notice.

    A notification of the delivery has the fields of RFC 3464: the words of other notices, and the
    events of sending services, say too little about who has the message. A receipt, a complaint, a
    challenge, and a notice that a message is held are no answers. Some bounces say that they are
    automatic answers, and have no such fields: an answer that speaks of a failure proves nothing.
    """
    if fields := reports(message):
        told = bounce_in(fields)
        return Home.DELIVERY_STATUS if told and told.action in _OF_A_DELIVERY else None
    if bounce or not answers.is_answer(message) or _tells_of_a_failure(message):
        return None
    return Home.REPLY


def _tells_of_a_failure(message: Part) -> bool:
    """Whether it says so in its subject, or in its text as servers do."""
    subject, text = answers.subject(message), notice(message, texts(message))
    if _REFUSAL.search(text) or plain.happened(subject, "") == FAILED:
        return True
    told = plain.read(subject, text, None)
    if told is None or not told.final:
        return False
    return told.status.startswith("5") or OPENINGS.found_in(squeezed(text))
