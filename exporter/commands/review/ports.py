"""Ports that belong to another protocol, or to TLS in another way (IANA's registry; RFC 8314
section 7)."""

from collections.abc import Iterator

from exporter.commands.review.findings import Finding, values
from exporter.config.mistakes import Path
from exporter.config.server import ServerOptions
from exporter.mailboxes.imap.mailbox import ImapOptions
from exporter.mailboxes.pop3.mailbox import Pop3Options
from exporter.senders.mx import MxOptions
from exporter.senders.smtp import SmtpOptions
from exporter.settings import Settings

_IMPLICIT = {465: "SMTP", 993: "IMAP", 995: "POP3"}
_PLAIN = {25: "SMTP", 587: "SMTP", 143: "IMAP", 110: "POP3"}
_SPOKEN: dict[type[ServerOptions | MxOptions], str] = {
    SmtpOptions: "SMTP",
    MxOptions: "SMTP",
    ImapOptions: "IMAP",
    Pop3Options: "POP3",
}


def of_ports(settings: Settings) -> Iterator[Finding]:
    """Servers that would never answer there, or not in TLS."""
    for path, options in values(settings):
        if isinstance(options, MxOptions):
            yield from _of_exchangers(path, options)
        elif isinstance(options, ServerOptions):
            yield from _of_a_server(path, options, options.port)


def _of_a_server(path: Path, options: ServerOptions, port: int | None) -> Iterator[Finding]:
    """Of a port that is not given there is nothing to say: it follows `tls`."""
    spoken = _SPOKEN[type(options)]
    if port is None:
        return
    if another := [*_of_another_protocol(path, spoken, port)]:
        yield from another
    elif port in _IMPLICIT and options.tls not in (None, "implicit"):
        text = (
            f"tls: {options.tls} cannot work on port {port}, where TLS begins at once: write tls:"
            " implicit"
        )
        yield Finding((*path, "tls"), f"{text}, or {_instead(spoken, 'starttls')}")
    elif port in _PLAIN and options.tls == "implicit":
        text = (
            f"tls: implicit cannot work on port {port}, where servers begin in the clear: write"
            " tls: starttls"
        )
        yield Finding((*path, "tls"), f"{text}, or {_instead(spoken, 'implicit')}")


def _of_exchangers(path: Path, options: MxOptions) -> Iterator[Finding]:
    yield from _of_another_protocol(path, "SMTP", options.port)
    if options.port == 465:
        yield Finding(
            (*path, "port"),
            "exchangers take mail on port 25; 465 is for clients: use `smtp` for it",
        )


def _of_another_protocol(path: Path, spoken: str, port: int) -> Iterator[Finding]:
    served = (_IMPLICIT | _PLAIN).get(port, spoken)
    if served != spoken:
        ports = " or ".join(
            str(one) for one, protocol in sorted((_IMPLICIT | _PLAIN).items()) if protocol == spoken
        )
        yield Finding(
            (*path, "port"), f"{port} is the port of {served}, and this speaks {spoken}: {ports}"
        )


def _instead(spoken: str, tls: str) -> str:
    """The port that goes with `tls`."""
    ports = (
        _IMPLICIT
        if tls == "implicit"
        else {port: spoken for port, spoken in _PLAIN.items() if port != 25}
    )
    return f"port {next(port for port, protocol in ports.items() if protocol == spoken)}"
