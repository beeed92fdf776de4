"""What an answer to our message, or a notice that nothing is lost, proves. Pure; never raises."""

from exporter.core.home import Home
from exporter.mail.bounces import DELIVERED, EXPANDED, RELAYED, Bounce, bounce_in
from exporter.mail.mime import Part
from exporter.mail.notices import answers
from exporter.mail.notices.leaves import reports

_OF_A_DELIVERY = (DELIVERED, RELAYED, EXPANDED)


def proof_of(message: Part, bounce: Bounce | None) -> Home | None:
    """For which way home such a message is the arrival; `bounce` is what it says as a notice.

    A notification of the delivery has the fields of RFC 3464: the words of other notices, and the
    events of sending services, say too little about who has the message. A receipt, a complaint, a
    challenge, and a notice that a message is held are no answers.
    """
    if fields := reports(message):
        told = bounce_in(fields)
        return Home.DELIVERY_STATUS if told and told.action in _OF_A_DELIVERY else None
    return Home.REPLY if bounce is None and answers.is_answer(message) else None
