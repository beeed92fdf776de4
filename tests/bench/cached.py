"""A part of `make bench`: what a cached /probe costs."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.trips import in_plain_text
from tests.lab.client import Lab
from tests.support.mailtrip_process import Exporter

SCRAPES = 300


def cached_probe(lab: Lab) -> None:
    with lab.fresh_user() as user, TemporaryDirectory() as directory:
        exporter = Exporter(in_plain_text(lab, user).configuration, Path(directory))
        page = f"/probe?module=trip&target={user.address}"
        try:
            exporter.wait_for("probe_success", page)
            began, wall = exporter.cpu_seconds(), time.perf_counter()
            for _ in range(SCRAPES):
                text = exporter.get(page)
            took, used = time.perf_counter() - wall, exporter.cpu_seconds() - began
            lines = text.count("\n")
            answer, processor = took / SCRAPES * 1000, used / SCRAPES * 1000
            print(
                f"a cached /probe:      {answer:5.2f} ms to answer, {processor:5.2f} ms of CPU,"
                f" {lines}"
                " lines"
            )
        finally:
            exporter.stop()
