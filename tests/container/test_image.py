"""The image as its users run it: read-only, without capabilities, as nobody in particular."""

import json

from tests.container.podman import Podman


def test_the_image_says_who_it_runs_as_and_how_to_ask_after_its_health(podman: Podman, image: str) -> None:
    (description,) = json.loads(podman("image", "inspect", image))
    assert description["User"] == "10925:10925"
    assert description["Healthcheck"]
