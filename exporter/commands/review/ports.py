"""Ports that belong to another protocol, or to TLS in another way (RFC 8314 section 7)."""

from collections.abc import Iterator
from typing import Any

from exporter.config.choice import Choice
from exporter.config.finding import Finding
from exporter.config.server import AccessOptions, Ports
from exporter.mailboxes import MailboxOptions
from exporter.senders import SendOptions
from exporter.settings import Settings


def of_ports(settings: Settings) -> Iterator[Finding]:
    """Ports where the server would not answer, or not in TLS."""
    for name, mailbox in settings.mailboxes.items():
        yield from _of_a_choice(mailbox, "mailboxes", name)
    for name, module in settings.modules.items():
        if module.roundtrip:
            yield from _of_a_choice(module.roundtrip.send, "modules", name, "roundtrip", "send")


def _of_a_choice(choice: Choice, *path: str) -> Iterator[Finding]:
    kind, how = choice.chosen
    if how.ports and how.port is not None:
        yield from (finding.below(*path, kind) for finding in _of_a_server(how, how.ports))


def _of_a_server(options: Any, ports: Ports) -> Iterator[Finding]:
    """Finds nothing if the port is not given: it follows `tls`."""
    port = options.port
    if port not in ports.every and (other := _protocols().get(port)):
        ours = " or ".join(map(str, ports.every))
        speaks = f"this option is for {ports.protocol}{ours and f': {ours}'}"
        yield Finding(("port",), f"{port} is the port of {other}, but {speaks}")
    elif not isinstance(options, AccessOptions):
        return
    elif port == ports.implicit and options.tls not in (None, "implicit"):
        text = (
            f"tls: {options.tls} cannot work on port {port}, which starts with TLS: write tls:"
            " implicit"
        )
        yield Finding(("tls",), text + (f", or port {ports.starttls}" if ports.starttls else ""))
    elif port in ports.clear and options.tls == "implicit":
        text = (
            f"tls: implicit cannot work on port {port}, which starts in plain text: write"
            " tls: starttls"
        )
        yield Finding(("tls",), text + (f", or port {ports.implicit}" if ports.implicit else ""))


def _protocols() -> dict[int, str]:
    """The protocols by port, of all kinds."""
    kinds: list[Any] = [*MailboxOptions.kinds().values(), *SendOptions.kinds().values()]
    return {port: kind.ports.protocol for kind in kinds if kind.ports for port in kind.ports.every}
