"""The first lines of `mailtrip serve`, when all listeners are open: what it does, and its URLs."""

import logging
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from exporter import __version__
from exporter.commands.summary import counts
from exporter.config.types import Listen
from exporter.settings import Settings
from exporter.web.external_url import ExternalUrl
from exporter.web.listeners import Listener, UnixPath

FIRST = Path(__file__).resolve().parents[1] / "config" / "first.yml"
"""A configuration to begin with. README.md shows the same."""

log = logging.getLogger(__name__)


def greet(
    files: Sequence[str],
    settings: Settings,
    state_dir: Path,
    first: Listener,
    external_url: ExternalUrl,
    *,
    https: bool,
    as_log: bool,
) -> None:
    """Writes the greeting to standard output, or as one log event."""
    url = (
        external_url.url or f"{'https' if https else 'http'}://{_host(first)}{external_url.prefix}"
    )
    if as_log:
        log.info(
            "mailtrip %s: %s; state in %s; see %s/", __version__, counts(settings), state_dir, url
        )
        return
    print(f"mailtrip {__version__}")
    if files:
        print(
            f"  {', '.join(files)}: {counts(settings)}; state in {state_dir}; see {url}/",
            flush=True,
        )
        return
    key = settings.probes[0]
    print(
        "  No --config.file is given, and there is no mailtrip.yml here: mailtrip sends messages to"
        " itself."
    )
    print(
        f"  Pages:      {url}/  and  {url}/metrics  and "
        f" {url}/probe?module={key.module}&target={key.target}"
    )
    print(f"  State:      {state_dir}")
    mailtrip = own_command(sys.argv[0])
    print(
        f"  Next step:  {mailtrip} init asks for your servers and writes mailtrip.yml.\n"
        "              Or save this as mailtrip.yml, with your own servers, addresses and"
        " password files:\n"
    )
    print(FIRST.read_text(encoding="utf-8"))
    print(
        f"  Then:       {mailtrip} check --try mailtrip.yml && {mailtrip} serve --config.file"
        " mailtrip.yml",
        flush=True,
    )


def own_command(program: str) -> str:
    """The shell command that starts mailtrip from here. `program` is sys.argv[0]."""
    if os.path.basename(program) == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m exporter"
    on_path = shutil.which("mailtrip")
    if on_path and os.path.realpath(on_path) == os.path.realpath(program):
        return "mailtrip"
    below = os.path.relpath(program)
    return shlex.quote(program if below.startswith("..") else below)


def _host(listener: Listener) -> str:
    """The host and port of this listener, for a URL."""
    if isinstance(listener, UnixPath):
        return str(listener)
    host, port = (listener.host, listener.port) if isinstance(listener, Listen) else _inet(listener)
    host = host if host not in ("", "0.0.0.0", "::") else "localhost"  # noqa: S104
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def _inet(listener: socket.socket) -> tuple[str, int]:
    name = listener.getsockname()
    return (name[0], name[1]) if isinstance(name, tuple) else (str(name), 0)
