"""The web configuration file, reloaded after a change at the next connection or request."""

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import ValidationError

from exporter.config.load import load, read
from exporter.config.mistakes import Mistake, Mistakes, Path
from exporter.config.renewal import FromFiles, unreadable
from exporter.core.model import ProbeError
from exporter.net.tls.certificate import ServerCertificate
from exporter.web.options import TlsServerOptions, WebOptions
from exporter.web.tls import Tls, can_set, unusable_options
from exporter.web.token_bucket import TokenBucket

log = logging.getLogger(__name__)

TLS = "tls_server_config"


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The content of the file. Without a file no login is required."""

    tls: Tls | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, bytes] | None = None
    bucket: TokenBucket | None = None


class WebConfigFile:
    """Raises Mistakes when first read; later, errors are logged and the previous configuration
    stays in use."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._last, self._is_read = WebConfig(), False
        self._config = FromFiles("the web configuration", [path], self._read)

    @property
    def config(self) -> WebConfig:
        """The configuration for the next connection or request."""
        return self._config.current()

    def _read(self) -> WebConfig:
        # Now no request may wait for a FIFO.
        if self._is_read and (problem := unreadable(self._path)):
            raise Mistakes([Mistake(self._path, None, "", f"cannot be read: {problem}")])
        options = load_web_options(self._path)
        last, tls, limit = self._last, options.tls_server_config, options.rate_limit
        if last.tls and not tls:
            raise Mistakes(
                [Mistake(self._path, None, TLS, "is missing; disabling TLS needs a restart")]
            )
        same_bucket = last.bucket if last.bucket and last.bucket.options == limit else None
        users = {
            name: hashed.get_secret_value().encode()
            for name, hashed in (options.basic_auth_users or {}).items()
        }
        headers = options.http_server_config.headers.model_dump(by_alias=True, exclude_none=True)
        bucket = same_bucket or (TokenBucket(limit) if limit else None)
        self._last = WebConfig(Tls(tls) if tls else None, headers, users, bucket)
        self._is_read = True
        return self._last


def load_web_options(path: str) -> WebOptions:
    """Loads the options, with paths relative to our working directory. Raises Mistakes with all
    errors, also of its PEM files."""
    directory = os.path.dirname(path)
    options = load(WebOptions, [(path, read(path))], partial(_unusable_files, directory))
    tls = options.tls_server_config
    for curve in (tls and tls.curve_preferences) or ():
        if not can_set(curve):
            log.warning(
                "%s: curve_preferences: this Python cannot set %s; all curves of OpenSSL are"
                " enabled",
                path,
                curve,
            )
    return options.model_copy(update={TLS: tls.seen_from(directory)}) if tls else options


def _unusable_files(directory: str, data: Any) -> Iterator[tuple[Path, str]]:
    try:
        options = TlsServerOptions.model_validate(data[TLS]).seen_from(directory)
    except (ValidationError, KeyError, TypeError):
        return  # told already, or there is none
    problems = {
        name: f"{path} cannot be read: {problem}"
        for name, path in options.files().items()
        if (problem := unreadable(path))
    }
    yield from (((TLS, name), problem) for name, problem in problems.items())
    if problems:
        return
    try:
        ServerCertificate(options.cert_file, options.key_file)
    except ProbeError as error:
        yield (TLS, "cert_file"), error.detail
    yield from (((TLS, name), problem) for name, problem in unusable_options(options))
