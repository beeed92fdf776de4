"""mailtrip's image, built of the Dockerfile."""

import os

from tests.container.podman import ROOT, Podman
from tests.container.standin import stand_in

IMAGE = "localhost/mailtrip"


def build(podman: Podman) -> str:
    """Returns the image's name. What has not changed since the last time is not built again, except in CI, where there
    is no last time, and keeping the steps one by one takes a third of the whole."""
    layers = str("CI" not in os.environ).lower()
    base = f"BASE={stand_in(podman)}"
    podman(
        "build", "--pull-never", "--isolation", "chroot", "--format", "docker", f"--layers={layers}",
        "--build-arg", base, "--tag", IMAGE, ROOT, timeout=300,
    )  # fmt: skip
    return IMAGE
