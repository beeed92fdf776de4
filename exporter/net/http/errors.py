"""What goes wrong with a request by HTTPS, translated from aiohttp."""

import ssl
from contextlib import AbstractContextManager

import aiohttp

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.exceptions import map_exceptions
from exporter.net.os_errors import failed_addresses, problem
from exporter.net.tcp import place
from exporter.net.tls.words import NO_ISSUER, TRUST


def http_errors(host: str) -> AbstractContextManager[None]:
    """Translates the library's exceptions."""

    def refused(error: aiohttp.ClientConnectorCertificateError) -> ProbeError:
        words = _refusal_of(error.certificate_error)
        return ProbeError(Reason.TLS, f"the certificate of {host} is not valid: {words}")

    def no_tls(error: aiohttp.ClientSSLError) -> ProbeError:
        why = getattr(error.os_error, "reason", None) or "the handshake failed"
        return ProbeError(
            Reason.TLS, f"TLS handshake with {host} failed: {why.lower().replace('_', ' ')}"
        )

    def not_connected(error: aiohttp.ClientConnectorError) -> ProbeError:
        where = place(failed_addresses(error.os_error) or [host], error.port or 0, host, "")
        words = f"cannot connect to {where}: {problem(error.os_error)}"
        return ProbeError(Reason.CONNECT, words)

    return map_exceptions(
        {
            aiohttp.ClientProxyConnectionError: lambda _: ProbeError(
                Reason.CONNECT, f"cannot connect to the proxy for {host}"
            ),
            aiohttp.ClientHttpProxyError: lambda error: ProbeError(
                Reason.UNAVAILABLE, f"the proxy for {host} answered {error.status}"
            ),
            aiohttp.ClientConnectorDNSError: lambda _: ProbeError(
                Reason.DNS, f"{host} has no address"
            ),
            aiohttp.ClientConnectorCertificateError: refused,
            aiohttp.ClientSSLError: no_tls,
            aiohttp.ClientConnectorError: not_connected,
            (
                aiohttp.ServerDisconnectedError,
                aiohttp.ClientPayloadError,
                aiohttp.ClientOSError,
                aiohttp.ClientConnectionResetError,
            ): lambda _: ProbeError(Reason.DISCONNECTED, f"{host} cut the connection"),
            (aiohttp.ClientError, ValueError): lambda _: ProbeError(
                Reason.PROTOCOL, f"{host} does not speak HTTP"
            ),
        }
    )


def _refusal_of(error: Exception) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "verification failed"
    return (
        f"{error.verify_message}: {TRUST}"
        if error.verify_code in NO_ISSUER
        else error.verify_message
    )
