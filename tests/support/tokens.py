"""Tokens in messages."""

from exporter.mail.message import FoundIn, read


def tokens_in(raw: bytes) -> dict[str, FoundIn]:
    """Every word in a message with the form of a token, with the best place where it was found."""
    return read(raw).tokens
