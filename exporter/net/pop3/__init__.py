"""A POP3 client (RFC 1939)."""
