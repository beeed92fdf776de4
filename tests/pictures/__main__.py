"""Takes the pictures of the README: see tests/pictures."""

import base64
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from docs import animation
from tests.lab.client import Lab
from tests.pictures.terminal import record
from tests.support.chromium import chromium
from tests.support.mailtrip_process import Exporter

COLUMNS, ROWS = 84, 44
COMMANDS = ("mailtrip probe submission", "mailtrip probe newsletter")
PAGE = animation.ROOT / "docs/trip.png"
WIDTH, SCALE = 1000, 1.2  # of the page, in its pixels; pixels of the picture for each of them
TRIPS, NEWER, INTERVAL = 18, 3, 4  # in the chart; those after it; seconds between them

CONFIGURATION = """\
resolver: {{nameservers: ["{lab.dns}"]}}
state: {{dir: {directory}/state}}
mailboxes:
  monitor: {{maildir: {{path: {lab.directory}/var/mail/slow2/Maildir}}}}
  junk: {{maildir: {{path: {lab.directory}/var/mail/junk/Maildir}}}}
modules:
  submission: &module
    interval: {interval}s
    timeout: 1m
    roundtrip: &trip
      from: probe@lab.test
      send:
        smtp: {{host: relay.lab.test, port: 587, username: probe, password: labpass, ca_file: {lab.ca}}}
      mailbox: monitor
  newsletter:
    <<: *module
    roundtrip:
      <<: *trip
      mailbox: junk
probes:
  - {{name: submission, module: submission, target: slow2@lab.test}}
  - {{name: newsletter, module: newsletter, target: junk@lab.test}}
"""  # noqa: E501
"""slow2 gets its mail after two seconds; the mail of junk is filed as spam."""


def configuration(lab: Lab, directory: Path, interval: int) -> str:
    return CONFIGURATION.format(lab=lab, directory=directory, interval=interval)


def take_terminal(lab: Lab, directory: Path) -> None:
    (directory / "mailtrip.yml").write_text(configuration(lab, directory, 300), encoding="utf-8")
    programs = Path(sys.executable).parent  # has mailtrip
    recording = record(COMMANDS, directory, [programs], columns=COLUMNS, rows=ROWS)
    recording.write(animation.RECORDING)
    animation.main()


def take_page(lab: Lab, directory: Path) -> None:
    text = configuration(lab, directory, INTERVAL).rpartition("  - ")[0]
    exporter = Exporter(text, directory)
    try:
        while exporter.series().get('mailtrip_trips_total{probe="submission"}', 0) < TRIPS:
            time.sleep(1)
        with chromium() as browser:
            trips = json.loads(exporter.get("/api/v1/trips?probe=submission"))["items"]
            browser.open(f"http://{exporter.address}/trips/{trips[NEWER]['trip']}", WIDTH)
            browser.evaluate(  # the directory that was made for this
                "document.body.innerHTML = document.body.innerHTML.replaceAll(...arguments)",
                str(directory),
                "/etc/mailtrip",
            )
            height = browser.evaluate(
                "const chart = [...document.querySelectorAll('svg')].pop();"
                "return (chart.closest('figure') || chart).getBoundingClientRect().bottom + 10"
            )
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": SCALE}
            taken = browser.driver.execute_cdp_cmd(
                "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
            )
        PAGE.write_bytes(base64.b64decode(taken["data"]))
    finally:
        exporter.kill()


def main() -> None:
    lab = Lab()
    started = lab.up()
    try:
        with TemporaryDirectory(prefix="mailtrip-pictures-", dir="/var/tmp") as directory:
            take_terminal(lab, Path(directory))
            take_page(lab, Path(directory))
    finally:
        if started:
            lab.down()


if __name__ == "__main__":
    main()
