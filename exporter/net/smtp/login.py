"""The ways to log in to an SMTP server (RFC 4954). Each makes one attempt, since many may lock the
account."""

from aiosmtplib.response import SMTPResponse

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.exceptions import map_secrets
from exporter.net.sasl.conversation import Conversation, Mechanism, refused
from exporter.net.sasl.credentials import Credentials
from exporter.net.sasl.mechanisms import in_order, password_mechanism, unsupported
from exporter.net.smtp.session import SmtpSession

LONGEST_COMMAND = 510  # octets without the line end (RFC 5321 section 4.5.3.1.4)
# Too long, or not understood (RFC 4954 section 4): no word of the password.
_NOT_TAKEN = frozenset({500, 501, 502, 504})


async def login(
    smtp: SmtpSession, username: str, credentials: Credentials, mechanism: str | None
) -> None:
    """AUTH with one password mechanism, once; with the next only if the server refuses a mechanism
    that it offers."""
    with smtp.run.step(Step.AUTH):
        known = (mechanism,) if mechanism else ("plain", "login", *in_order(smtp.tls))
        if not (usable := [name for name in known if name in smtp.mechanisms]):
            offered = ", ".join(smtp.mechanisms) or "nothing"
            wanted = mechanism or "a supported login mechanism"
            hint = unsupported(smtp.mechanisms)
            raise ProbeError(
                Reason.AUTH, f"{smtp.server} does not offer {wanted}; it offers {offered}{hint}"
            )
        with map_secrets():
            revealed = credentials.reveal()
        while True:
            attempt = password_mechanism(
                usable.pop(0), username, revealed, smtp.server, smtp.tls, chosen=bool(mechanism)
            )
            talk, reply = await _converse(smtp, attempt)
            if reply.code not in _NOT_TAKEN or talk.challenges or not usable:
                break
        _conclude(smtp, talk, reply)


async def authenticate(smtp: SmtpSession, mechanism: Mechanism) -> None:
    """AUTH with that mechanism, which must be offered."""
    with smtp.run.step(Step.AUTH):
        talk, reply = await _converse(smtp, mechanism)
        _conclude(smtp, talk, reply)


async def _converse(smtp: SmtpSession, mechanism: Mechanism) -> tuple[Conversation, SMTPResponse]:
    """Runs the exchange. The initial response is in the command if the line fits RFC 5321 and the
    server accepts it."""
    talk = Conversation(mechanism, smtp.server, smtp.redaction, smtp.note)
    command = f"AUTH {mechanism.name}"
    word = talk.initial_response(LONGEST_COMMAND - len(command) - 1)
    shown = "=" if word == "=" else "<secret>"
    smtp.note(f"C: {command} {shown}" if word else f"C: {command}")
    reply = await smtp.execute(command.encode(), *([word.encode()] if word else []))
    if word and reply.code in _NOT_TAKEN:
        talk.initial_response_refused()
        smtp.note(f"C: {command}")
        reply = await smtp.execute(command.encode())
    while reply.code == 334:
        answer = await talk.answer(reply.message)
        smtp.note("C: *" if answer == "*" else "C: <secret>" if answer else "C: (an empty line)")
        reply = await smtp.execute(answer.encode())
    return talk, reply


def _conclude(smtp: SmtpSession, talk: Conversation, reply: SMTPResponse) -> None:
    try:
        smtp.expect(reply, 235, Step.AUTH)
    except ProbeError as error:
        raise refused(error, talk.words) from None
    talk.succeeded()
