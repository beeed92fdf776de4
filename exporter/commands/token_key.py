"""Finds or creates the key that signs tokens."""

from pathlib import Path

from exporter.config.types import Secret, SecretUnavailable
from exporter.mail.tokens import load_key, new_key, read_key
from exporter.settings import StateOptions
from exporter.state.schema import StateUnusable

KEY_FILE = "token.key"


def shared_key(state: StateOptions) -> bytes:
    """The key of this state directory, or else a new one that is not stored.

    Raises StateUnusable if the configured key cannot be used.
    """
    if state.token_key:
        return _given(state.token_key)
    file = Path(state.dir) / KEY_FILE
    try:
        return load_key(file) if file.exists() else new_key()
    except (OSError, ValueError):
        return new_key()


def key_of(state: StateOptions, directory: Path) -> bytes:
    """The key that signs tokens: the configured one, else that of the directory, created if
    necessary. Raises StateUnusable."""
    if state.token_key:
        return _given(state.token_key)
    file = directory / KEY_FILE
    try:
        return load_key(file)
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise StateUnusable(f"cannot use the token key {file}: {problem}") from None


def _given(secret: Secret) -> bytes:
    try:
        return read_key(secret.reveal())
    except SecretUnavailable as error:
        raise StateUnusable(f"state.token_key: {error}") from None
    except ValueError as error:
        raise StateUnusable(
            f"state.token_key: cannot use the key in {secret.origin}: {error}"
        ) from None
