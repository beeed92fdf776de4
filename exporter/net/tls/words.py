"""Texts for failures of TLS handshakes: OpenSSL's own, and the likely cure."""

import ssl
from collections.abc import Sequence

from exporter.core.timing.when import utc_minute

MAX_NAMES = 3  # of a certificate, which may have hundreds

# Numbers of OpenSSL's x509_vfy.h, X509_V_ERR_…
_HAS_EXPIRED = 10
# Unable to get the (local) issuer, self-signed, only the first one came.
NO_ISSUER = frozenset({2, 18, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})  # host name or IP address mismatch
_TOO_WEAK = frozenset({66, 67, 68})  # short keys, weak digests

# Reasons of OpenSSL's sslerr.h. Which one a line of plain text gives depends on the line and on
# OpenSSL's version.
NO_TLS = frozenset(
    {
        *("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"),
        *("UNKNOWN_PROTOCOL", "BAD_RECORD_TYPE", "DATA_LENGTH_TOO_LONG"),
    }
)
_OLD_VERSION = frozenset(
    {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"}
)
_OLD_PARAMETERS = frozenset(
    {
        *(
            "DH_KEY_TOO_SMALL",
            "EE_KEY_TOO_SMALL",
            "CA_KEY_TOO_SMALL",
            "CA_MD_TOO_WEAK",
            "EE_MD_TOO_WEAK",
        ),
        *(
            "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",
            "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED",
            "WRONG_SIGNATURE_TYPE",
        ),
        *(
            "NO_SUITABLE_SIGNATURE_ALGORITHM",
            "NO_CIPHERS_AVAILABLE",
            "WRONG_CIPHER_RETURNED",
            "NO_SHARED_CIPHER",
        ),
        *("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INSUFFICIENT_SECURITY"),
    }
)
KEY_PROBLEMS = {
    "EE_KEY_TOO_SMALL": "the key is too short; use 2048 bits or more (RSA), or 256 bits (EC)",
    "CA_KEY_TOO_SMALL": "the key of a CA certificate in it is too short",
    "CA_MD_TOO_WEAK": ("a CA certificate in it is signed with an insecure digest, such as SHA-1"),
    "EE_MD_TOO_WEAK": "it is signed with an insecure digest, such as SHA-1",
}
"""What is wrong with a certificate of our own."""

ABOUT_OUR_CERTIFICATE = frozenset(
    {
        *("TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_NO_CERTIFICATE"),
        *("SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE"),
        *("SSLV3_ALERT_CERTIFICATE_REVOKED", "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        *("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "TLSV1_ALERT_UNKNOWN_CA"),
        "TLSV1_ALERT_ACCESS_DENIED",
    }
)
"""Alerts by which a server refuses a client's certificate, or that there is none (RFC 8446 section
6.2)."""

TRUST = "set `ca_file` to its CA, or make the server send its intermediate certificates"
_UPDATE = "update the server, or allow old TLS with `tls_min_version: TLS10`"


def trouble(error: ssl.SSLError, speaks: str, *, starttls: bool) -> str:
    """Why TLS failed, after STARTTLS or from the start. `speaks` is the server's protocol, if
    known."""
    reason = error.reason or ""
    words = reason.lower().replace("_", " ") or "the handshake failed"
    if reason in NO_TLS and starttls:
        return f"it accepted STARTTLS, then sent something other than TLS ({words})"
    if reason in NO_TLS:
        cure = "use `tls: starttls`, or the port for implicit TLS (465, 993, 995)"
        return f"{words} ({speaks or f'it does not speak TLS on this port: {cure}'})"
    if reason in _OLD_VERSION:
        return f"it supports only old versions of TLS ({words}): {_UPDATE}"
    if reason in _OLD_PARAMETERS:
        return (
            f"{words}: probably its TLS parameters are too old: {_UPDATE}{_or_certificate(reason)}"
        )
    return words


def _or_certificate(reason: str) -> str:
    """Up to TLS 1.2, this is also the error for a client without a certificate."""
    if reason != "SSLV3_ALERT_HANDSHAKE_FAILURE":
        return ""
    return "; or it requires a client certificate: set `client_certificate`"


def refusal_of_ours(reason: str, presented: str) -> str:
    """Why a server refuses our certificate, or that we have `presented` none (empty)."""
    words = reason.lower().replace("_", " ")
    if presented:
        return f"it refuses our client certificate, {presented} ({words})"
    return f"it requires a client certificate ({words}): set `client_certificate`"


def refusal(
    error: ssl.SSLCertVerificationError, names: Sequence[str] | None, expires_at: float | None
) -> str:
    """Why a certificate is refused. `names` are those of the server's own, None if they are
    unknown; `expires_at` is its expiry (Unix time)."""
    code, words = (
        error.verify_code,
        (error.verify_message or "verification failed").removesuffix("."),
    )
    if code == _HAS_EXPIRED and expires_at is not None:  # it, or one above it
        return f"{words}; the server's own is valid until {utc_minute(expires_at)}"
    if code in NO_ISSUER:
        return f"{words}: {TRUST}"
    if code in _OTHER_NAME:
        valid = "" if names is None else f"; it is valid for {_some(names)}"
        return f"{words}{valid}: set `server_name` to the expected name, or reissue the certificate"
    if code in _TOO_WEAK:
        return f"{words}: {_UPDATE}"
    return words


def _some(names: Sequence[str]) -> str:
    some = [*names[:MAX_NAMES], *(["…"] if len(names) > MAX_NAMES else [])]
    return ", ".join(some) or "no name"
