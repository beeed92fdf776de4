"""Finds or creates the key that signs tokens."""

import os
from pathlib import Path

from exporter.config.types import Secret, SecretUnavailable
from exporter.core.private_file import keep_private, open_private
from exporter.mail.tokens import new_key, read_key
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


def load_key(path: Path) -> bytes:
    """Loads the key in `path`, readable only by us, or creates it. Raises OSError, ValueError."""
    if path.exists():
        keep_private(path)
        return read_key(path.read_text(encoding="ascii", errors="replace"))
    # So that there is never half a key, whenever we are killed.
    key, draft = new_key(), path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(open_private(draft, os.O_WRONLY | os.O_EXCL), "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return key


def _given(secret: Secret) -> bytes:
    try:
        return read_key(secret.reveal())
    except SecretUnavailable as error:
        raise StateUnusable(f"state.token_key: {error}") from None
    except ValueError as error:
        raise StateUnusable(
            f"state.token_key: cannot use the key in {secret.origin}: {error}"
        ) from None
