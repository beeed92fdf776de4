"""The SASL mechanisms for passwords: in which order they are tried, and how each is made."""

import ssl
from collections.abc import Collection

from exporter.config.server import ForPassword
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.sasl.conversation import CramMd5, External, Login, Mechanism, NoLoginSent, Plain
from exporter.net.sasl.scram import Scram
from exporter.net.tls.channel_binding import ChannelBinding, binding_of, is_unique
from exporter.net.tls.handshake import NOT_ASKED, presented_in

PLUS = "-plus"
_BOUND: tuple[ForPassword, ...] = ("scram-sha-256-plus", "scram-sha-512-plus", "scram-sha-1-plus")
# SHA-256 first: it is the standard (RFC 7677), and some servers have no other digest of a password
# although they offer others.
_UNBOUND: tuple[ForPassword, ...] = ("scram-sha-256", "scram-sha-512", "scram-sha-1", "cram-md5")
_TICKETS = frozenset({"ntlm", "gssapi", "gss-spnego"})


def in_order(tls: ssl.SSLObject | None) -> tuple[ForPassword, ...]:
    """The mechanisms that do not send the password, the best first.

    With TLS 1.3, where servers expect a binding that we cannot compute, -PLUS is the last resort.
    """
    if tls is None:
        return _UNBOUND
    return (*_BOUND, *_UNBOUND) if is_unique(tls) else (*_UNBOUND, *_BOUND)


def password_mechanism(
    name: str,
    user: str,
    password: str,
    server: str,
    tls: ssl.SSLObject | None = None,
    *,
    chosen: bool = False,
) -> Mechanism:
    """One login attempt by this mechanism.

    `chosen` by the configuration, SCRAM without -PLUS knows no channel binding; chosen by us it
    was the best of the offer, and says so to the server. Raises ProbeError (auth).
    """
    if name.startswith("scram-"):
        return Scram(user, password, server, name, _binding(name, server, tls, chosen=chosen))
    if name == "cram-md5":
        return CramMd5(user, password, server)
    return Login(user, password, server) if name == "login" else Plain(user, password)


def _binding(
    name: str, server: str, tls: ssl.SSLObject | None, *, chosen: bool
) -> ChannelBinding | None:
    if not name.endswith(PLUS):
        return binding_of(tls) if tls and not chosen and is_unique(tls) else None
    if binding := binding_of(tls) if tls else None:
        return binding
    why = "the signature of its certificate has no hash" if tls else "there is no TLS"
    raise ProbeError(
        Reason.AUTH, f"{name.upper()} is not possible with {server}: {why}"
    ) from NoLoginSent()


def external(
    server: str, user: str, offered: Collection[str], tls: ssl.SSLObject | None
) -> External:
    """A login by our client certificate. Raises ProbeError (auth) if it is not among those offered
    (in any case)."""
    names = sorted(name.lower() for name in offered)
    if "external" in names:
        return External(user, presented_in(tls) if tls else NOT_ASKED)
    raise ProbeError(
        Reason.AUTH,
        f"{server} does not offer EXTERNAL, the login by a client certificate; it offers"
        f" {', '.join(names) or 'nothing'}",
    ) from NoLoginSent()


def unsupported(offered: Collection[str]) -> str:
    """What to add to an error if a server offers mechanisms that we never support."""
    only = _TICKETS & {name.lower() for name in offered}
    return " (mailtrip does not support NTLM and GSSAPI)" if only else ""
