"""The ways to log in to an SMTP server (RFC 4954). Each takes one try, since accounts get locked for many."""

import binascii
from base64 import b64decode, b64encode
from typing import Literal

from aiosmtplib.auth import auth_crammd5_verify, auth_login_encode, auth_plain_encode
from aiosmtplib.errors import SMTPAuthenticationError
from aiosmtplib.response import SMTPResponse

from exporter.config.types import Secret, SecretUnavailable
from exporter.model import ProbeError, Reason, Step
from exporter.net.sasl import SCRAM, Mechanism, Scram, refused
from exporter.net.smtp import SmtpSession

Auth = Literal["plain", "login", "cram-md5", "scram-sha-256", "xoauth2", "oauthbearer"]
FOR_PASSWORDS: tuple[Auth, ...] = ("plain", "login", "scram-sha-256", "cram-md5")
LONGEST_COMMAND = 510  # octets without the line end (RFC 5321 section 4.5.3.1.4)


async def login(smtp: SmtpSession, username: str, password: Secret, mechanism: Auth | None) -> None:
    """AUTH by one mechanism for passwords, once."""
    with smtp.run.step(Step.AUTH):
        chosen = mechanism or next((known for known in FOR_PASSWORDS if known in smtp.mechanisms), None)
        if chosen is None or chosen not in smtp.mechanisms:
            offered = ", ".join(smtp.mechanisms) or "nothing"
            wanted = mechanism or "a login that we know"
            raise ProbeError(Reason.AUTH, f"{smtp.server} does not offer {wanted}; it offers {offered}")
        try:
            revealed = password.reveal()
        except SecretUnavailable as error:
            raise ProbeError(Reason.AUTH, str(error)) from None
        if chosen == SCRAM:
            await _converse(smtp, Scram(username, revealed, smtp.server))
            return
        word = revealed.encode(errors="surrogateescape")
        smtp.run.note(f"C: AUTH {chosen.upper()} <secret>")
        smtp.secrets = (b64encode(word).decode(), word.decode(errors="surrogateescape")) if word else ()
        smtp.expect(await _classic(smtp, chosen, username, word), 235, Step.AUTH)
        smtp.secrets = ()


async def authenticate(smtp: SmtpSession, mechanism: Mechanism) -> None:
    """AUTH by that mechanism, which must be offered."""
    with smtp.run.step(Step.AUTH):
        await _converse(smtp, mechanism)


async def _converse(smtp: SmtpSession, mechanism: Mechanism) -> None:
    """The first word goes with the command if the line does not get too long for RFC 5321."""
    smtp.run.note(f"C: AUTH {mechanism.name} <secret>")
    smtp.secrets = mechanism.secrets
    command, first = f"AUTH {mechanism.name}".encode(), b64encode(mechanism.begin())
    smtp.secrets = (first.decode(), *smtp.secrets)
    if len(command) + 1 + len(first) <= LONGEST_COMMAND:
        reply = await smtp.execute(command, first)
    elif (reply := await smtp.execute(command)).code == 334:
        reply = await smtp.execute(first)
    while reply.code == 334:
        answer = mechanism.answer(_challenge(smtp, reply))
        if mechanism.words:
            smtp.run.note(f"-- {mechanism.words}")
        word = b64encode(answer)
        smtp.secrets = (word.decode(), *smtp.secrets) if len(answer) > 1 else smtp.secrets
        reply = await smtp.execute(word)
    try:
        smtp.expect(reply, 235, Step.AUTH)
    except ProbeError as error:
        raise refused(error, mechanism.words) from None
    mechanism.succeeded()
    smtp.secrets = ()


def _challenge(smtp: SmtpSession, reply: SMTPResponse) -> bytes:
    try:
        return b64decode(reply.message, validate=True)
    except (binascii.Error, ValueError):
        raise ProbeError(Reason.PROTOCOL, f"{smtp.server} sent a challenge that is no base64") from None


async def _classic(smtp: SmtpSession, mechanism: Auth, username: str, password: bytes) -> SMTPResponse:
    if mechanism == "plain":
        return await _confide(smtp, auth_plain_encode(username, password), b"AUTH PLAIN")
    if mechanism == "login":
        user, secret = auth_login_encode(username, password)
        reply = await smtp.execute(b"AUTH LOGIN", user)
    else:
        reply = await smtp.execute(b"AUTH CRAM-MD5")
        if reply.code == 334:
            try:
                secret = auth_crammd5_verify(username, password, reply.message)
            except SMTPAuthenticationError as error:
                detail = f"{smtp.server} sent a CRAM-MD5 challenge without sense"
                raise ProbeError(Reason.PROTOCOL, detail) from error
    return await _confide(smtp, secret) if reply.code == 334 else reply


async def _confide(smtp: SmtpSession, secret: bytes, *command: bytes) -> SMTPResponse:
    smtp.secrets = (secret.decode(), *smtp.secrets)
    return await smtp.execute(*command, secret)
