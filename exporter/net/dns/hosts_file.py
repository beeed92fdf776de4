"""The hosts file of this machine (hosts(5)). dnspython does not read it, and containers rely on
it."""

from ipaddress import ip_address
from pathlib import Path

HOSTS_FILE = Path("/etc/hosts")


def addresses_of(host: str, file: Path = HOSTS_FILE) -> list[str]:
    """The addresses of a name in the file. Lines that begin with none do not count."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    wanted = host.rstrip(".").lower()
    entries = [line.partition("#")[0].split() for line in lines]
    found = [entry[0] for entry in entries if wanted in (name.lower() for name in entry[1:])]
    return list(filter(_is_address, found))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
