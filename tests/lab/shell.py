"""Commands that have to work, and waiting that ends."""

import socket
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


class LabError(Exception):
    """A problem to be shown to the user without a traceback."""


def say(text: str) -> None:
    print(f"lab: {text}", flush=True)


def run(*command: str | Path, timeout: float = 60) -> str:
    """Runs a command that has to work within that many seconds; returns what it printed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise LabError(f"{words[0]} did not end within {timeout:g} s") from None
    if done.returncode:
        raise LabError(
            f"{words[0]} failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-800:]}"
        )
    return done.stdout


def wait_until(condition: Callable[[], object], seconds: float, pause: float = 0.05) -> bool:
    """Waits until condition() holds; says whether it did in time."""
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(pause)
    return bool(holds)


def can_connect(ip: str, port: int) -> bool:
    try:
        socket.create_connection((ip, port), 2).close()
    except OSError:
        return False
    return True


def has_address(name: str, server: str) -> bool:
    """Whether the DNS server knows an A record of that name. No answer is a no."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        try:
            asking.connect((server, 53))
            asking.send(question)
            reply = asking.recv(4096)
        except OSError:
            return False
    return int.from_bytes(reply[6:8]) > 0  # the number of answers
