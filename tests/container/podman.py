"""Podman with a store of its own, so that nobody else's images or containers are seen or
touched."""

import os
import shutil
import subprocess
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_OURS = f"mailtrip-{zlib.crc32(bytes(ROOT)):08x}"  # one store for each checkout

# runc, since crun refuses cgroups of both versions at once. The limits are such as every machine
# allows: Podman would raise them, which root may not do inside another container.
_CONTAINERS = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
_STORAGE = """
[storage]
driver = "overlay"
graphroot = "{store}"
runroot = "/run/{name}"
"""


class PodmanError(Exception):
    """What Podman said, or why it cannot be asked."""


class Podman:
    """Its store is in MAILTRIP_CONTAINER_DIR, and stays: the next build takes from it what has not
    changed."""

    def __init__(self) -> None:
        self.directory = Path(os.environ.get("MAILTRIP_CONTAINER_DIR", f"/var/tmp/{_OURS}"))
        self.directory.mkdir(parents=True, exist_ok=True)
        containers, storage = self.directory / "containers.conf", self.directory / "storage.conf"
        containers.write_text(_CONTAINERS)
        name = f"mailtrip-{zlib.crc32(bytes(self.directory)):08x}"  # podman wants a short path
        storage.write_text(_STORAGE.format(store=self.directory / "store", name=name))
        self._wrapper = [
            *_as_root(),
            "env",
            f"CONTAINERS_CONF={containers}",
            f"CONTAINERS_STORAGE_CONF={storage}",
            # there may be no systemd for the timer: health is asked for by hand
            "DISABLE_HC_SYSTEMD=true",
            # Podman 5 says it with each command, among what the container has said
            "PODMAN_IGNORE_CGROUPSV1_WARNING=true",
        ]

    def __call__(self, *words: str | Path, timeout: float = 60) -> str:
        """Runs a command that has to work; returns what it printed. Raises PodmanError."""
        done = self.attempt(*words, timeout=timeout)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip())[-3000:]
            raise PodmanError(f"podman {words[0]} failed ({done.returncode}): {said}")
        return done.stdout.strip()

    def attempt(self, *words: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a command that may fail."""
        command = self.wrapped("podman", *map(str, words))
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL
        )

    def wrapped(self, *command: str) -> list[str]:
        """A command that will use the same store, such as another program that calls Podman."""
        return [*self._wrapper, *command]

    def has_image(self, tag: str) -> bool:
        return self.attempt("image", "exists", tag).returncode == 0


def _as_root() -> list[str]:
    if os.geteuid() == 0:
        return []
    if (
        not shutil.which("sudo")
        or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode
    ):
        raise PodmanError(
            "containers need root, or sudo without a password: they get network interfaces of"
            " their own"
        )
    return ["sudo", "-n"]
