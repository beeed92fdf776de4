"""The system calls that a unit forbids, as a profile for a container: the kernel really refuses
them.

These are SystemCallFilter, RestrictAddressFamilies and MemoryDenyWriteExecute of systemd.exec(5).
The other options that systemd makes filters of concern what no ordinary program does: name spaces,
real-time priorities, clocks.
"""

import errno
import mmap
import platform
import re
import socket
import subprocess
from typing import Any

from tests.systemd.unit import Unit

_ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
_SHM_EXEC = 0o100000  # <sys/shm.h>
_FAMILIES = 46  # AF_MAX of <linux/socket.h>
_COLOUR = re.compile(r"\x1b\[\d*m")  # systemd 255 ends colours that it never began, in a pipe, too

# Where in its arguments a call says what becomes executable, and the bits that it may not say
# together.
_EXECUTABLE = {
    "mmap": (2, mmap.PROT_WRITE | mmap.PROT_EXEC),
    "mprotect": (2, mmap.PROT_EXEC),
    "pkey_mprotect": (2, mmap.PROT_EXEC),
    "shmat": (2, _SHM_EXEC),
}


def profile(unit: Unit) -> dict[str, Any]:
    """In the format of Docker and Podman."""
    calls = _allowed(unit.all("SystemCallFilter"))
    rules: list[dict[str, Any]] = []
    if "RestrictAddressFamilies" in unit:
        calls.remove("socket")
        allowed = {int(getattr(socket, family)) for family in unit.words("RestrictAddressFamilies")}
        rules += (_family(number, number in allowed) for number in range(_FAMILIES))
    if "MemoryDenyWriteExecute" in unit:
        calls -= _EXECUTABLE.keys()
        for call, (index, bits) in _EXECUTABLE.items():
            rules += (
                _bits(call, index, bits, value) for value in range(bits) if value & bits == value
            )
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": int(getattr(errno, unit.one("SystemCallErrorNumber"))),
        "architectures": [_ARCHITECTURES[platform.machine()]],
        "syscalls": [{"names": sorted(calls), "action": "SCMP_ACT_ALLOW"}, *rules],
    }


def _family(number: int, allowed: bool) -> dict[str, Any]:
    argument = {"index": 0, "value": number, "op": "SCMP_CMP_EQ"}
    rule = {"names": ["socket"], "args": [argument]}
    return rule | (
        {"action": "SCMP_ACT_ALLOW"}
        if allowed
        else {"action": "SCMP_ACT_ERRNO", "errnoRet": errno.EAFNOSUPPORT}
    )


def _bits(call: str, index: int, bits: int, value: int) -> dict[str, Any]:
    """Of these bits, exactly those of the value."""
    argument = {"index": index, "value": bits, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}
    return {"names": [call], "args": [argument], "action": "SCMP_ACT_ALLOW"}


def _allowed(filters: list[str]) -> set[str]:
    """A list that begins with ~ takes from what the lists before it allow."""
    calls: set[str] = set()
    for words in filters:
        named = set[str]().union(*(_calls(word) for word in words.removeprefix("~").split()))
        calls = calls - named if words.startswith("~") else calls | named
    return calls


def _calls(word: str) -> set[str]:
    """Of a set such as @system-service, everything in it, sets in sets included. systemd itself
    knows."""
    if not word.startswith("@"):
        return {word}
    shown = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], check=True, capture_output=True, text=True
    )
    members = [line.strip() for line in _COLOUR.sub("", shown.stdout).splitlines()[1:]]
    return set[str]().union(
        *(_calls(member) for member in members if member and not member.startswith("#"))
    )
