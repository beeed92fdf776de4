"""The proxy that the environment names for requests by HTTPS.

aiohttp's `trust_env` would find it, and take logins from `.netrc`, too: in place of our tokens, or,
with an entry `default`, for hosts that anybody names.
"""

from urllib.request import getproxies_environment, proxy_bypass

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason


def proxy_for(host: str) -> str | None:
    """The URL in `HTTPS_PROXY`, unless `NO_PROXY` has the host. Raises ProbeError (connect)."""
    proxies = getproxies_environment()
    proxy = proxies.get("https", "")
    if not proxy or proxy_bypass(host):
        return None
    scheme, separator, _ = proxy.partition("://")
    if separator and scheme.lower() not in ("http", "https"):
        raise ProbeError(Reason.CONNECT, "HTTPS_PROXY is no HTTP proxy; write http://HOST:PORT")
    return proxy if separator else f"http://{proxy}"
