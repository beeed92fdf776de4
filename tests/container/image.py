"""mailtrip's image, built of the Dockerfile."""

from tests.container.podman import ROOT, Podman
from tests.container.standin import stand_in

IMAGE = "localhost/mailtrip"


def build(podman: Podman) -> str:
    """Returns the image's name. What has not changed since the last time is not built again."""
    base = f"BASE={stand_in(podman)}"
    podman(
        "build", "--pull-never", "--isolation", "chroot", "--format", "docker",
        "--build-arg", base, "--tag", IMAGE, ROOT, timeout=300,
    )  # fmt: skip
    return IMAGE
