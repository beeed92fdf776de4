"""Checks the files and environment variables that the configuration names, on this machine and for
this user."""

import os
import re
import stat
from collections.abc import Iterator

from exporter.checks.options import RoundtripOptions
from exporter.commands.review.walk import values
from exporter.config.finding import Finding
from exporter.config.mistakes import Path
from exporter.config.placeholders import stored_secret_problem
from exporter.config.proxy import ProxyUrl
from exporter.config.server import ClientCertificateOptions, ReceiverTls
from exporter.config.tracing import TracingOptions
from exporter.config.types import NamedFile, Secret, SecretUnavailable, looked_for, size_text
from exporter.mail.composition import Content, compose
from exporter.mail.tokens import KEY_BYTES, Mint, read_key
from exporter.mailboxes.session import READ_LIMIT
from exporter.settings import Settings
from exporter.tracing.package import PACKAGE, is_installed

SPECIMEN = Mint(b" " * KEY_BYTES).mint(0)  # of a message that is composed to see its size
_OF_A_UNIT = re.compile(r"(/run/credentials/[^/]+)/.+")


def of_surroundings(settings: Settings) -> Iterator[Finding]:
    """Reports what cannot be read, is empty, or is not a certificate. Never shows a secret."""
    for path, value in values(settings):
        if isinstance(value, Secret):
            yield from _of_a_secret(path, value)
        elif isinstance(value, NamedFile):
            yield from _of_a_file(path, value)
        elif isinstance(value, ReceiverTls):
            from exporter.commands.review.certificates import of_a_receiver  # which takes a while

            yield from of_a_receiver(path, value)
        elif isinstance(value, ClientCertificateOptions):
            from exporter.commands.review.certificates import of_a_client

            yield from of_a_client(path, value)
        elif isinstance(value, RoundtripOptions):
            yield from _of_content(path, settings, value)
        elif isinstance(value, TracingOptions) and not is_installed():
            yield Finding(path, f"needs more packages: pip install '{PACKAGE}'")


def _of_a_secret(path: Path, secret: Secret) -> Iterator[Finding]:
    if _of_a_running_unit(secret.origin):
        yield Finding(path, WHILE_IT_RUNS, warning=True)
        return
    if _can_be_read_only_once(secret.origin):
        return
    try:
        revealed = secret.reveal()
    except SecretUnavailable as error:
        yield Finding(path, str(error))
        return
    if path[-2:] == ("dkim", "key"):
        from exporter.net.signatures.signing_key import (
            read_signing_key,  # cryptography takes long to import
        )

        try:
            read_signing_key(revealed)
        except ValueError as error:
            where = f"the key in {secret.origin} " if secret.origin else ""
            yield Finding(path, f"{where}{error}")
        return
    if not secret.origin:
        yield from _of_a_literal(path, revealed)
        return
    where = secret.origin
    if isinstance(secret, ProxyUrl):
        try:
            secret.proxy()
        except SecretUnavailable as error:
            yield Finding(path, str(error))
        return
    if path == ("state", "token_key"):
        try:
            read_key(revealed)
        except ValueError as error:
            yield Finding(path, f"what is in {where} {error}")
        return
    if odd := stored_secret_problem(revealed.strip()):
        yield Finding(path, f"the text in {where} {odd}", warning=True)
        return
    if revealed.lstrip().startswith(("{", "-----BEGIN ")):  # a service account's key has lines
        return
    if "\n" in revealed.strip("\r\n") or revealed.endswith(("\n", "\r")):
        yield Finding(
            path,
            f"{where} has more than one line, and all lines are part of the secret",
            warning=True,
        )
    elif revealed != revealed.strip():
        yield Finding(
            path,
            f"{where} begins or ends with a blank, which is part of the secret",
            warning=True,
        )


def _of_a_literal(path: Path, text: str) -> Iterator[Finding]:
    """Reports a literal secret that is the path of an existing file; nothing else distinguishes a
    relative path."""
    if ("/" in text or "." in text) and os.path.isfile(text):
        cure = "if the secret is in that file, write {file: PATH}"
        yield Finding(
            path,
            f"is used as the secret, but a file with that name exists: {cure}",
            warning=True,
        )


def _of_a_file(path: Path, file: str) -> Iterator[Finding]:
    if _of_a_running_unit(file):
        yield Finding(path, WHILE_IT_RUNS, warning=True)
        return
    if _can_be_read_only_once(file):
        return
    try:
        with open(file, "rb") as opened:
            empty = not opened.read(1)
    except OSError as error:
        yield Finding(path, f"cannot read {looked_for(file)}: {error.strerror}")
        return
    if empty:
        yield Finding(path, f"the file {file} is empty")
    elif path[-1] == "ca_file":
        from exporter.commands.review.certificates import of_authorities

        yield from of_authorities(path, file)


def _of_content(path: Path, settings: Settings, trip: RoundtripOptions) -> Iterator[Finding]:
    """Files of the message that cannot be used, and a message that is too large for its mailbox."""
    content = trip.content
    if not content or any(map(_can_be_read_only_once, content.files)):
        return
    problems = [*content.problems()]
    for below, text in problems:
        yield Finding((*path, *below), text)
    if problems or not trip.mailbox:
        return
    specimen = compose(SPECIMEN, trip.sender, trip.sender, 0, Content(own=content.read()))
    module, size = settings.modules[str(path[1])], len(specimen.raw)
    for finding in settings.mailboxes[trip.mailbox].how.review(trip.mailbox, module.timeout, size):
        if finding.path[-1:] == ("size",):
            yield Finding((*path, "attachment"), f"the message with its files {finding.text}")
    if "dkim" in trip.require and size > READ_LIMIT:
        text = (
            "dkim needs the whole message, which its files make larger than"
            f" {size_text(READ_LIMIT)}: every trip fails"
        )
        yield Finding((*path, "require"), text)


WHILE_IT_RUNS = (
    "exists only while the unit runs, and only that unit and root can read it, so it cannot"
    " be checked now"
)


def _can_be_read_only_once(file: str) -> bool:
    """A pipe (`<(pass show imap)` in a shell), a socket, a terminal: reading it consumes its
    content."""
    try:
        found = os.stat(file)
        is_null = stat.S_ISCHR(found.st_mode) and found.st_rdev == os.stat(os.devnull).st_rdev
    except OSError:
        return False
    return not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode) or is_null)


def _of_a_running_unit(file: str) -> bool:
    """Whether it is a credential of a systemd unit that does not run, or in which we do not run
    (systemd.exec(5), LoadCredential=)."""
    unit = _OF_A_UNIT.fullmatch(file)
    return unit is not None and not os.access(unit[1], os.X_OK)
