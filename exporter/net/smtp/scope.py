"""The steps of any conversation by SMTP, and why it may fail, without TLS and without a login."""

from exporter.core.reasons import OF_A_CONVERSATION, Reason
from exporter.core.steps import Step

STEPS = frozenset(
    {Step.RESOLVE, Step.CONNECT, Step.GREETING, Step.EHLO, Step.MAIL, Step.RCPT, Step.DATA}
)
REASONS = OF_A_CONVERSATION | {Reason.DEFERRED, Reason.MAILBOX_FULL}
