"""How much is imported of the libraries: memory that `serve` keeps for as long as it runs."""

import sys

from exporter.core.bare_package import BarePackage

BARE = (
    "aiohttp",  # its client, and the certificates that this one trusts: 4 MiB
    "prometheus_client",  # its servers: 1 MiB
)
"""Packages that import all of a library, and whose modules can be imported one by one."""

LEFT_OUT = (
    "frozenlist._frozenlist",  # needs the library of C++, 1 MiB, for the short lists of aiohttp
)
"""Modules in C that have an equal in Python."""


def import_less() -> None:
    """To be called before a library is imported; later it has no effect."""
    for package in BARE:
        BarePackage.enter(package)
    for module in LEFT_OUT:
        sys.modules.setdefault(module, None)  # type: ignore[arg-type]
