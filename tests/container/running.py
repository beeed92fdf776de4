"""A container of mailtrip's image, as hardened as its documentation promises that it can be."""

import subprocess
import time
import urllib.request
from pathlib import Path
from uuid import uuid4

from tests.container.podman import Podman, PodmanError
from tests.lab.shell import wait_until

# What `docker run --read-only` means: Podman alone would put a writable file system on /tmp and
# /run.
HARDENED = [
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
]


class Container:
    """Runs from the constructor to `remove`. Its port 10925 can be reached at `address`, from
    outside."""

    def __init__(
        self, podman: Podman, image: str, *arguments: str, options: tuple[str, ...] = ()
    ) -> None:
        self._podman, self._name = podman, f"mailtrip-{uuid4().hex[:12]}"
        where = ["--name", self._name, "--publish", "127.0.0.1::10925"]
        try:
            podman(
                "run", "--detach", "--pull", "never", *HARDENED, *where, *options, image, *arguments
            )
        except PodmanError:  # what could not be started is there all the same
            podman.attempt("rm", "--force", "--volumes", self._name)
            raise
        self.address = podman("port", self._name, "10925/tcp")
        self.pid = int(self.about(".State.Pid"))

    def about(self, what: str) -> str:
        return self._podman("inspect", "--format", f"{{{{{what}}}}}", self._name)

    def status(self) -> dict[str, str]:
        """The process as the kernel sees it, from outside: see proc(5), /proc/pid/status."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def is_healthy(self) -> bool:
        """What the image's HEALTHCHECK says now."""
        return self._podman.attempt("healthcheck", "run", self._name).returncode == 0

    def wait_until_healthy(self) -> None:
        known = wait_until(lambda: self.is_healthy() or self._has_ended(), 60, pause=0.5)
        assert known, self.log()
        assert not self._has_ended(), self.log()

    def _has_ended(self) -> bool:
        return self.about(".State.Status") == "exited"

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command inside it, with its user and its rights."""
        return self._podman.attempt("exec", self._name, *command)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as answer:
            text: str = answer.read().decode()
            return text

    def log(self) -> str:
        said = self._podman.attempt("logs", self._name)
        return said.stdout + said.stderr

    def stop(self) -> tuple[int, float]:
        """As `docker stop` does: SIGTERM, and SIGKILL after 10 s. The exit status, and the seconds
        that it took."""
        began = time.monotonic()
        self._podman("stop", "--time", "10", self._name)
        return int(self.about(".State.ExitCode")), time.monotonic() - began

    def remove(self) -> None:
        """Its volumes, too, unless another container has one of them."""
        volumes = self.about('range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end')
        self._podman("rm", "--force", "--volumes", "--time", "0", self._name)
        for volume in volumes.split():
            self._podman.attempt("volume", "rm", volume)
