"""The ports of SMTP: between mail servers, and for submission (RFC 6409, RFC 8314)."""

from exporter.config.server import Ports

BETWEEN_SERVERS = 25  # some servers punish a client that speaks before the greeting there
SMTP_PORTS = Ports("SMTP", implicit=465, starttls=587, others=(BETWEEN_SERVERS,))
