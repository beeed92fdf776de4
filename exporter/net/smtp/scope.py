"""The steps of any conversation by SMTP, and why it may fail, without a login."""

from exporter.core.reasons import OF_A_CONVERSATION, Reason
from exporter.core.steps import Step

STEPS = frozenset(
    {Step.RESOLVE, Step.CONNECT, Step.GREETING, Step.EHLO, Step.MAIL, Step.RCPT, Step.DATA}
)
# Without `auth`: a server may want a login also of a client that has none (RFC 4954 section 6), but
# an exchanger hardly does.
REASONS = OF_A_CONVERSATION | {Reason.DEFERRED, Reason.MAILBOX_FULL, Reason.TLS}
