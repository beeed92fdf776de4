"""TLS: handshakes, certificates, DANE, and what we want of asyncio's transports."""

import asyncio.constants
from asyncio.sslproto import SSLProtocol

SSLProtocol.max_size = 32 << 10
"""Bytes of the buffer of each connection, instead of 256 KiB: a TLS record has 16 KiB at most."""

asyncio.constants.SSL_SHUTDOWN_TIMEOUT = 1.0
"""Seconds for the other side to end TLS as well, instead of 30: no more data can come of it."""
