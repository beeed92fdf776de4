"""The hosts file of this machine (hosts(5)). dnspython does not read it, and containers rely on
it."""

from pathlib import Path

HOSTS_FILE = Path("/etc/hosts")


def addresses_of(host: str) -> list[str]:
    """The addresses of a name in the file."""
    try:
        lines = HOSTS_FILE.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    wanted = host.rstrip(".").lower()
    entries = [line.partition("#")[0].split() for line in lines]
    return [entry[0] for entry in entries if wanted in (name.lower() for name in entry[1:])]
