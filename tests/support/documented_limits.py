"""Every limit on the page, as the program has it."""

import inspect

import aiosmtplib.protocol
import dns.message
from aiohttp import web
from aiosmtpd.smtp import SMTP

from exporter.checks import options, standing
from exporter.config import yaml
from exporter.config.resolver import DEFAULT_TIMEOUT
from exporter.core import dns_records
from exporter.core.one_line import MAX_DETAIL
from exporter.core.transcript import transcript
from exporter.core.transcript import view as transcript_view
from exporter.mail import bounces, heartbeats, message, tokens
from exporter.mail.headers import received, receiver, shown
from exporter.mail.notices import leaves
from exporter.mailboxes import session, smtpd
from exporter.mailboxes.smtpd_options import SmtpdOptions
from exporter.net import tcp
from exporter.net.imap import connection as imap
from exporter.net.imap import reader as imap_reader
from exporter.net.oauth2 import provider
from exporter.net.pop3 import connection as pop3
from exporter.net.pop3 import reader as pop3_reader
from exporter.net.smtpd import limits as smtpd_limits
from exporter.probing import exchanger_visits, on_the_spot, probes
from exporter.senders import exchanger_addresses, mx_options, sendmail
from exporter.state import days as kept_days
from exporter.state import outages, outcomes, thinning
from exporter.web import (
    basic_auth,
    middleware,
    routes,
)
from exporter.web import (
    limits as web_limits,
)

_HTTP = inspect.signature(web.RequestHandler.__init__).parameters
_WEB, _SMTPD = web_limits.LIMITS, smtpd_limits.LIMITS


def size(number: int) -> str:
    """Bytes as people write them."""
    for unit, bytes_ in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if number % bytes_ == 0:
            return f"{number // bytes_} {unit}"
    return f"{number:,} bytes"


def seconds(number: float) -> str:
    return f"{number:g} s"


def days(number: float) -> str:
    return f"{number / thinning.DAY:g} d"


LIMITS = {
    "HTTP: the request line, a header": size(_HTTP["max_line_size"].default),
    "HTTP: a body": size(middleware.MAX_BODY),
    "HTTP: connections; from one address": f"{_WEB.connections}; {_WEB.per_address}",
    "HTTP: time to the first request header; to the next": (
        f"{seconds(_WEB.header)}; {seconds(_WEB.idle)}"
    ),
    "HTTP: reading no part of an answer; reading all of it": (
        f"{seconds(_WEB.stalled)}; {seconds(_WEB.answer)}"
    ),
    "HTTP: unread answers, shared ones counted once": size(_WEB.unread),
    "HTTP: logins that wait for bcrypt; from one address": (
        f"{basic_auth.QUEUE_LIMIT}; {basic_auth.QUEUE_LIMIT_PER_CLIENT}"
    ),
    "HTTP: wait of a scrape": seconds(routes.MAX_TIMEOUT),
    "Probes (`--web.max-targets`)": f"{probes.DEFAULT_MAX_TARGETS:,}",
    "SMTP receiver: connections; from one address": (f"{_SMTPD.connections}; {_SMTPD.per_address}"),
    "SMTP receiver: silence; a session": f"{seconds(_SMTPD.idle)}; {seconds(_SMTPD.session)}",
    "SMTP receiver: commands of a kind; refusals in a session": (
        f"{_SMTPD.commands:,}; {_SMTPD.refusals}"
    ),
    "SMTP receiver: a command; a line of a message": (
        f"{size(SMTP.line_length_limit)}; {size(smtpd_limits.UNENDED_LINE)}"
    ),
    "SMTP receiver: a message (`max_message_size`)": size(
        SmtpdOptions.model_fields["max_message_size"].default
    ),
    "SMTP receiver: queued messages": f"{smtpd.MAX_WAITING}",
    "A heartbeat: its header that is read; of its sender and subject that is kept": (
        f"{size(heartbeats.MOST_BYTES)}; {heartbeats.SHOWN} characters"
    ),
    "A message: the part that is read; a message of ours with files": (
        f"{size(session.READ_LIMIT)}; {size(session.WHOLE_LIMIT)}"
    ),
    "A message: parts; nesting depth": f"{message.MAX_PARTS}; {message.MAX_DEPTH}",
    "A message: words that are verified as tokens": f"{tokens.MAX_CANDIDATES}",
    "A message: headers that can belong to the trusted receiver": f"{receiver.MAX_HEADERS}",
    "A message: hops that are shown; characters of a name": (
        f"{received.MAX_HOPS}; {received.MAX_NAME}"
    ),
    "Blocklists asked about the client of a message (`blocklists`); time": (
        f"{options.MOST_BLOCKLISTS}; {seconds(standing.PATIENCE)}"
    ),
    "A bounce: recipients; characters of each text that are searched": (
        f"{bounces.MAX_BLOCKS}; {leaves.LONGEST_TEXT:,}"
    ),
    "SMTP: a server's reply; a line of it": (
        f"{size(aiosmtplib.protocol.MAX_RESPONSE_LENGTH)};"
        f" {size(aiosmtplib.protocol.MAX_LINE_LENGTH)}"
    ),
    "IMAP: all responses to a command; a response; a line": (
        f"{size(imap.MAX_ANSWER)}; {size(imap_reader.MAX_RESPONSE)}; {size(imap_reader.MAX_LINE)}"
    ),
    "POP3: a status line; a listing; a message; unsolicited data": (
        f"{size(pop3_reader.MAX_LINE)}; {size(pop3.MAX_LISTING)}; "
        f"{size(pop3.MAX_MESSAGE)}; {size(pop3_reader.MAX_UNREAD)}"
    ),
    "Identity provider: a response": size(provider.MAX_ANSWER),
    "Output of the sendmail program": size(sendmail.MOST_OUTPUT),
    "DNS: a query, with all retries (`resolver.timeout`)": seconds(DEFAULT_TIMEOUT),
    "DNS: chained CNAME records; exchangers; addresses of a host": (
        f"{dns.message.MAX_CHAIN}; {mx_options.MAX_EXCHANGERS}; {tcp.MAX_ADDRESSES}"
    ),
    "Addresses of exchangers with `each`; lines kept of one that fails; characters of each": (
        f"{exchanger_addresses.MOST_ADDRESSES}; {exchanger_visits.MOST_LINES};"
        f" {exchanger_visits.LONGEST_LINE}"
    ),
    "DNS: exchangers that a trip keeps; other records of a name; characters of each": (
        f"{dns_records.MOST_EXCHANGERS}; {dns_records.MOST_TEXTS}; {dns_records.MAX_TEXT}"
    ),
    "[What changed](changes.md): names that are queried, within; blocklists, within": (
        f"{on_the_spot.MOST_NAMES}; {seconds(on_the_spot.DNS_PATIENCE)};"
        f" {on_the_spot.MOST_LISTS}; {seconds(on_the_spot.LISTS_PATIENCE)}"
    ),
    "Text of a server about a failure": f"{MAX_DETAIL} characters",
    "Transcript of a trip: lines after a failure; after a success": (
        f"{transcript.MOST_LINES}; {transcript_view.FEW_LINES}"
    ),
    "Transcript of a trip: a line; in total": (
        f"{transcript.LONGEST_LINE} characters; {size(transcript_view.MOST_TEXT)}"
    ),
    "Headers of a received message that are shown: lines; a line; in total": (
        f"{shown.MOST_LINES}; {shown.LONGEST_LINE:,} characters; {size(shown.MOST_TEXT)}"
    ),
    "Newest trips kept for a probe with their transcripts: failures; successes": (
        f"{thinning.FAILURES}; {thinning.SUCCESSES}"
    ),
    "Newest trips kept for a probe: failures; successes": f"{thinning.NEWEST}; {thinning.NEWEST}",
    "Trips kept: for (`state: {keep: …}`); all of them": (
        f"{days(thinning.KEEP)}; {size(thinning.MOST_BYTES)}"
    ),
    "Kept for 13 months: outages; days of probes": f"{outages.MOST:,}; {kept_days.MOST:,}",
    "Probes that are remembered after a restart": f"{outcomes.MOST:,}",
    "The configuration: a file; values in it": f"{size(yaml.MAX_BYTES)}; {yaml.MAX_VALUES:,}",
}
