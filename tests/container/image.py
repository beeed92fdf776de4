"""mailtrip's image, built of the Dockerfile."""

import os

from tests.container.podman import ROOT, Podman, PodmanError
from tests.container.standin import WHEELS, stand_in

IMAGE = "localhost/mailtrip"
FETCHED = ROOT / ".newer" / "wheels"
"""What the build would fetch from a registry. `make wheels` fetches it beforehand, since tests ask
nobody outside."""


def build(podman: Podman) -> str:
    """Returns the image's name. What has not changed since the last time is not built again, except
    in CI, where there is no last time, and keeping the steps one by one takes a third of the
    whole."""
    if not (FETCHED / "done").exists():
        raise PodmanError("what the image is built of has not been fetched: run `make wheels`")
    layers = str("CI" not in os.environ).lower()
    base = f"BASE={stand_in(podman)}"
    podman(
        "build",
        "--pull-never",
        "--isolation",
        "chroot",
        "--format",
        "docker",
        f"--layers={layers}",
        "--volume",
        f"{FETCHED}:{WHEELS}:ro",
        "--build-arg",
        base,
        "--tag",
        IMAGE,
        ROOT,
        timeout=300,
    )
    return IMAGE
