"""The files that `mailtrip init` writes: a configuration, and one for each password."""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from exporter.commands.exit_status import CannotStart
from exporter.core.private_file import open_private

SECRETS = "secrets"
"""The directory of the passwords, beside the configuration."""

_PUBLIC, _PRIVATE_DIRECTORY = 0o666, 0o700  # less the umask
_WRITABLE_BY_OTHERS = 0o022


class Files:
    """A configuration and its passwords. With `replace`, they may exist already."""

    def __init__(self, configuration: Path, *, replace: bool) -> None:
        self.configuration = configuration
        self._directory = configuration.absolute().parent
        self._replace = replace
        self._made: list[Path] = []
        self._staged: dict[Path, Path] = {}

    def secret(self, name: str) -> Path:
        """The file of a password."""
        return self._directory / SECRETS / name

    def check(self, names: Collection[str]) -> None:
        """Raises CannotStart if the configuration, or a password of such a name, cannot be
        written."""
        if not self._directory.is_dir():
            raise CannotStart(f"the directory {self._directory} does not exist")
        if not os.access(self._directory, os.W_OK | os.X_OK):
            raise CannotStart(f"this user cannot write in the directory {self._directory}")
        secrets = self._directory / SECRETS
        if names and secrets.is_dir() and secrets.stat().st_mode & _WRITABLE_BY_OTHERS:
            raise CannotStart(
                f"other users can replace files in the directory {secrets}: chmod 0700 {secrets}"
            )
        for path in (self.configuration, *map(self.secret, names)):
            if os.path.lexists(path) and not self._replace:
                raise CannotStart(
                    f"{path} exists: --force replaces it; --config.file names another file"
                )

    def write(self, text: str, passwords: Mapping[Path, str]) -> None:
        """Writes all of them, or none. Raises CannotStart."""
        try:
            for path, password in passwords.items():
                with suppress(FileExistsError):
                    path.parent.mkdir(_PRIVATE_DIRECTORY)
                    self._made.append(path.parent)
                self._put(path, f"{password}\n", private=True)
            self._put(self.configuration, text, private=False)
            for path, staged in self._staged.items():
                staged.replace(path)
        except BaseException as error:
            self._undo()
            if isinstance(error, OSError):
                raise CannotStart(f"cannot write {error.filename}: {error.strerror}") from None
            raise

    def _put(self, path: Path, text: str, *, private: bool) -> None:
        """Writes a new file; one that exists is replaced only when all are written."""
        file = path
        if self._replace and os.path.lexists(path):
            file = self._staged[path] = path.with_name(f".{path.name}.new")
            file.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        opened = open_private(file, flags) if private else os.open(file, flags, _PUBLIC)
        self._made.append(file)
        with open(opened, "w", encoding="utf-8") as writing:
            writing.write(text)

    def _undo(self) -> None:
        for path in reversed(self._made):
            with suppress(OSError):
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()
