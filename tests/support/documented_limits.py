"""Every limit on the page, as the program has it."""

import inspect

import aiosmtplib.protocol
import dns.message
from aiohttp import web
from aiosmtpd.smtp import SMTP

from exporter.config import yaml
from exporter.core import transcript
from exporter.core.model import MAX_DETAIL
from exporter.mail import bounces, message, tokens
from exporter.mail.headers import received, receiver, shown
from exporter.mail.notices import leaves
from exporter.mailboxes import session, smtpd
from exporter.mailboxes.smtpd import SmtpdOptions
from exporter.net import dns as names
from exporter.net import tcp
from exporter.net.imap import connection as imap
from exporter.net.imap import reader as imap_reader
from exporter.net.oauth2 import provider
from exporter.net.pop3 import connection as pop3
from exporter.net.pop3 import reader as pop3_reader
from exporter.net.smtpd import limits as smtpd_limits
from exporter.probing import probes
from exporter.senders import mx, sendmail
from exporter.state import evidence
from exporter.web import (
    basic_auth as login,
)
from exporter.web import (
    connection_limits as guard,
)
from exporter.web import (
    middleware as gate,
)
from exporter.web import (
    routes,
)

_HTTP = inspect.signature(web.RequestHandler.__init__).parameters
_WEB, _SMTPD = guard.LIMITS, smtpd_limits.LIMITS


def size(number: int) -> str:
    """Bytes as people write them."""
    for unit, bytes_ in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if number % bytes_ == 0:
            return f"{number // bytes_} {unit}"
    return f"{number:,} bytes"


def seconds(number: float) -> str:
    return f"{number:g} s"


def days(number: float) -> str:
    return f"{number / evidence.DAY:g} d"


LIMITS = {
    "HTTP: the request line, a header": size(_HTTP["max_line_size"].default),
    "HTTP: a body": size(gate.MAX_BODY),
    "HTTP: clients at a time; from one address": f"{_WEB.connections}; {_WEB.per_address}",
    "HTTP: until the first header is there; the next one": (
        f"{seconds(_WEB.header)}; {seconds(_WEB.idle)}"
    ),
    "HTTP: reading nothing of an answer; reading all of it": (
        f"{seconds(_WEB.stalled)}; {seconds(_WEB.answer)}"
    ),
    "HTTP: answers that wait to be read, shared ones once": size(_WEB.unread),
    "HTTP: logins that wait for bcrypt; of one address": (
        f"{login.MOST_WAITING}; {login.MOST_OF_ONE_CLIENT}"
    ),
    "HTTP: how long a scrape may wait": seconds(routes.LONGEST_PATIENCE),
    "Probes that are kept (`--web.max-targets`)": f"{probes.DEFAULT_MAX_TARGETS:,}",
    "Own receiver: clients at a time; from one address": (
        f"{_SMTPD.connections}; {_SMTPD.per_address}"
    ),
    "Own receiver: silence; a session": f"{seconds(_SMTPD.idle)}; {seconds(_SMTPD.session)}",
    "Own receiver: commands of a kind; refusals in a session": (
        f"{_SMTPD.commands:,}; {_SMTPD.refusals}"
    ),
    "Own receiver: a command; a line of a message": (
        f"{size(SMTP.line_length_limit)}; {size(smtpd_limits.UNENDED_LINE)}"
    ),
    "Own receiver: a message (`max_message_size`)": size(
        SmtpdOptions.model_fields["max_message_size"].default
    ),
    "Own receiver: messages that wait": f"{smtpd.MAX_WAITING}",
    "A message: what is read of it": size(session.READ_LIMIT),
    "A message: parts; inside each other": f"{message.MAX_PARTS}; {message.MAX_DEPTH}",
    "A message: words that are tried as tokens": f"{tokens.MAX_CANDIDATES}",
    "A message: headers that may be the trusted receiver's": f"{receiver.MAX_HEADERS}",
    "A message: hops that are told; characters of a name": (
        f"{received.MAX_HOPS}; {received.MAX_NAME}"
    ),
    "A bounce: recipients; characters of each text that are looked at": (
        f"{bounces.MAX_BLOCKS}; {leaves.LONGEST_TEXT:,}"
    ),
    "SMTP: a server's reply; a line of it": (
        f"{size(aiosmtplib.protocol.MAX_RESPONSE_LENGTH)};"
        f" {size(aiosmtplib.protocol.MAX_LINE_LENGTH)}"
    ),
    "IMAP: the answer to a command; a response; a line": (
        f"{size(imap.MAX_ANSWER)}; {size(imap_reader.MAX_RESPONSE)}; {size(imap_reader.MAX_LINE)}"
    ),
    "POP3: a status line; a listing; a message; unasked": (
        f"{size(pop3_reader.MAX_LINE)}; {size(pop3.MAX_LISTING)}; "
        f"{size(pop3.MAX_MESSAGE)}; {size(pop3_reader.MAX_UNREAD)}"
    ),
    "An identity provider's answer": size(provider.MAX_ANSWER),
    "What the sendmail program says": size(sendmail.MOST_OUTPUT),
    "DNS: a question, with all repetitions (`resolver.timeout`)": seconds(names.DEFAULT_TIMEOUT),
    "DNS: aliases in a row; exchangers; addresses of a host": (
        f"{dns.message.MAX_CHAIN}; {mx.MAX_EXCHANGERS}; {tcp.MAX_ADDRESSES}"
    ),
    "What a server says about a failure": f"{MAX_DETAIL} characters",
    "Transcript of a trip: lines after a failure; else": (
        f"{transcript.MOST_LINES}; {transcript.FEW_LINES}"
    ),
    "Transcript of a trip: a line; all of it": (
        f"{transcript.LONGEST_LINE} characters; {size(transcript.MOST_TEXT)}"
    ),
    "Headers of an arrived message that are shown: lines; a line; all of them": (
        f"{shown.MOST_LINES}; {shown.LONGEST_LINE:,} characters; {size(shown.MOST_TEXT)}"
    ),
    "Trips kept of a probe: failures; successes": f"{evidence.FAILURES}; {evidence.SUCCESSES}",
    "Trips kept: failures for; successes for; all of them": (
        f"{days(evidence.FAILURES_FOR)}; {days(evidence.SUCCESSES_FOR)};"
        f" {size(evidence.MOST_BYTES)}"
    ),
    "The configuration: a file; values in it": f"{size(yaml.MAX_BYTES)}; {yaml.MAX_VALUES:,}",
}
