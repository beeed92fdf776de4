"""Images under the names of those that compose.yml pulls, to run this machine's Prometheus and
Alertmanager in.

They prove the commands, the mounts, the rights and the health checks of compose.yml, but not the
bytes of the real images. Grafana is not in Debian, so there is none of it.
"""

from pathlib import Path

from tests.container.podman import Podman
from tests.container.standin import stand_in
from tests.support.alertmanager import ALERTMANAGER
from tests.support.prometheus import BINARIES

TEMPLATES = "/usr/share/prometheus/alertmanager"
"""Debian's Alertmanager reads its own templates there; others have them built in."""
PROGRAMS = {
    "prometheus": [f"{BINARIES}/prometheus:/bin/prometheus:ro"],
    "alertmanager": [f"{ALERTMANAGER}:/bin/alertmanager:ro", f"{TEMPLATES}:{TEMPLATES}:ro"],
}
"""What to mount beside what compose.yml mounts: quicker than a copy in the image."""

# As in the real ones: the user nobody, a place for the data that it may write to, and a wget (which
# is BusyBox' there).
DOCKERFILE = """\
FROM {base}
COPY --chmod=755 wget /bin/
COPY --chown=65534:65534 data /{program}
USER 65534:65534
ENTRYPOINT ["/bin/{program}"]
"""
WGET = """\
#!/usr/bin/python3
import sys, urllib.request
urllib.request.urlopen(sys.argv[-1])
"""


def make(podman: Podman, program: str, name: str, directory: Path) -> None:
    """Builds the stand-in for one of the programs, under that name."""
    (directory / "data").mkdir(parents=True)
    (directory / "wget").write_text(WGET)
    (directory / "Dockerfile").write_text(DOCKERFILE.format(base=stand_in(podman), program=program))
    podman(
        "build",
        "--pull-never",
        "--layers=false",
        "--format",
        "docker",
        "--tag",
        name,
        directory,
        timeout=300,
    )
