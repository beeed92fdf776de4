"""The systems that `make test` runs on, and which tests are left out on which, and why.

    python -m tests.systems             says what is left out here; fails on any other system
    python -m tests.systems packages    the packages that the tests need here

Only with what Python has of its own: `make` asks before anything is installed.
"""

import platform
import sys
from pathlib import Path

PACKAGES = Path(__file__).with_name("packages.txt")
NEEDED_FOR = {"browser": {"chromium", "chromium-driver"}}
"""The packages of tests that have this marker, and that no other test needs."""

ONLY_HERE = {
    "bookworm": {"golang-github-containernetworking-plugin-dnsname", "libpython3.11"},
    "trixie": {"aardvark-dns", "nftables", "libpython3.13"},
    "noble": {"aardvark-dns", "iptables", "libpython3.12t64"},
}
"""More packages: what Podman needs for its networks, and rotel, the collector of traces."""

_SNAP = "Ubuntu has Chromium only as a snap"
_NO_DEBIAN = "it is a package of a newer Debian"
LEFT_OUT: dict[str, dict[str, str]] = {
    "bookworm": {},
    "trixie": {},
    "noble": {
        "browser": f"left out here: tests with a browser, since {_SNAP}",
        "newer": f"left out here: tests with the next Prometheus, since {_NO_DEBIAN}",
    },
}
"""By the code name of the system: the marker of the tests, and what is said."""


def code_name() -> str:
    """Of this system; empty where it has none."""
    return _release("VERSION_CODENAME")


def _release(field: str) -> str:
    try:
        return platform.freedesktop_os_release().get(field, "")
    except OSError:
        return ""


def packages(system: str) -> list[str]:
    gone = {name for marker in LEFT_OUT.get(system, {}) for name in NEEDED_FOR.get(marker, set())}
    everywhere = PACKAGES.read_text(encoding="utf-8").split()
    return [name for name in everywhere if name not in gone] + sorted(ONLY_HERE.get(system, ()))


def main(arguments: list[str], system: str) -> int:
    if arguments == ["packages"]:
        print(*packages(system))
    elif system in LEFT_OUT:
        print(*LEFT_OUT[system].values(), sep="\n", end="\n" if LEFT_OUT[system] else "")
    else:
        print(
            "make test needs the servers of Debian 12 or 13, or of Ubuntu 24.04;"
            f" this is {_release('PRETTY_NAME') or 'no such system'}."
            "\nWithout them:  make check, make quick, make lowest",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], code_name()))
