"""A running mailtrip reads another configuration: by POST, by signal, or because its files have
changed."""

import os
import re
import signal
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.mailtrip_process import Exporter

pytestmark = pytest.mark.slow

GOOD = "mailtrip_config_last_reload_successful"
WHEN = "mailtrip_config_last_reload_success_timestamp_seconds"
READ = "configuration reloaded"
MODULE = (
    "roundtrip: {from: p@test.localhost, send: {smtp: {host: 127.0.0.1, port: 9, tls: none}},"
    " mailbox: monitor}"
)


def configuration(directory: Path, *probes: str, interval: str = "1h", more: str = "") -> str:
    """Trips that fail at once, since nothing listens on port 9."""
    entries = "".join(
        f"  - {{name: {name}, module: trip, target: {name}@test.localhost}}\n" for name in probes
    )
    mailbox = f"mailboxes:\n  monitor: {{maildir: {{path: {directory}}}}}\n"
    return (
        f"{mailbox}{more}modules:\n  trip:\n    interval: {interval}\n   "
        f" {MODULE}\nprobes:\n{entries}"
    )


Start = Callable[..., Exporter]


@pytest.fixture
def box(tmp_path: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    return tmp_path / "Maildir"


@pytest.fixture
def start(box: Path, tmp_path: Path) -> Iterator[Start]:
    running: list[Exporter] = []

    def start(
        *flags: str, more: str = "", meanwhile: Callable[[Exporter], None] = lambda _: None
    ) -> Exporter:
        text = configuration(box, "one", "two", more=more)
        running.append(Exporter(text, tmp_path / "mailtrip", *flags, meanwhile=meanwhile))
        return running[-1]

    yield start
    for exporter in running:
        exporter.kill()


def probes(exporter: Exporter) -> set[str]:
    """The names of the probes that have series."""
    return set(re.findall(r'[{,]probe="([^"]*)"', exporter.get("/metrics")))


def wait_until(true: Callable[[], bool]) -> None:
    """The test's own time limit ends the waiting."""
    while not true():
        time.sleep(0.05)


def test_a_probe_is_added_and_one_is_removed_with_all_its_series(start: Start, box: Path) -> None:
    exporter = start()
    assert probes(exporter) == {"one", "two"}
    exporter.configure(configuration(box, "two", "three"))
    assert exporter.reload() == (200, f"{READ}\n")
    assert probes(exporter) == {"two", "three"}
    exporter.wait_for('mailtrip_trips_total{probe="three"}')


def test_an_interval_changes_and_the_beat_goes_on_from_the_last_trip(
    start: Start, box: Path
) -> None:
    exporter = start()
    for name in ("one", "two"):
        exporter.wait_for(f'mailtrip_trips_total{{probe="{name}"}}')
    exporter.configure(configuration(box, "one", "two"))
    exporter.reload()
    # No trip because of the reload alone.
    assert exporter.series()['mailtrip_trips_total{probe="one"}'] == 1
    exporter.configure(configuration(box, "one", "two", interval="1s"))
    exporter.reload()
    wait_until(lambda: exporter.series()['mailtrip_trips_total{probe="one"}'] >= 3)


def test_series_follow_another_sender_and_mailbox_and_nothing_that_has_counted_is_lost(
    start: Start, box: Path
) -> None:
    exporter = start()
    for name in ("one", "two"):
        exporter.wait_for(f'mailtrip_trips_total{{probe="{name}"}}')
    failed = 'mailtrip_failures_total{phase="send",probe="one",reason="connect"}'
    fresh = 'mailtrip_failures_total{phase="send",probe="one",reason="program"}'
    histogram = 'mailtrip_mailbox_step_duration_seconds_count{probe="one",step="login"}'
    before = exporter.series()
    assert before[failed] == 1
    assert not {fresh, histogram} & before.keys()
    other = configuration(box, "one", "two").replace(
        "smtp: {host: 127.0.0.1, port: 9, tls: none}", "sendmail: {path: /nonexistent}"
    )
    mailbox = "pop3: {host: 127.0.0.1, port: 9, tls: none, username: u, password: p}"
    exporter.configure(other.replace(f"maildir: {{path: {box}}}", mailbox))
    assert exporter.reload() == (200, f"{READ}\n")
    after = exporter.series()
    assert after[failed] == 1
    assert after[fresh] == after[histogram] == 0
    zeros = {name for name, count in before.items() if "_total{" in name and not count}
    gone = {name for name in before if "_total{" in name and name not in after}
    assert 'mailtrip_junk_total{probe="one"}' in gone
    assert gone <= zeros
    exporter.configure(f"metrics: {{step_histograms: false}}\n{other}")
    assert exporter.reload() == (200, f"{READ}\n")
    assert not [name for name in exporter.series() if "_step_duration_seconds_bucket" in name]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("probes: [", "mailtrip.yml:"),
        ("probes: [{name: one, module: nobody, target: a@b.example}]", "unknown module nobody"),
        ("state: {dir: elsewhere}", "state: cannot change while mailtrip runs"),
        ("", "this file contains no configuration"),
    ],
)
def test_a_bad_file_changes_nothing_and_says_why(
    bad: str, why: str, start: Start, box: Path
) -> None:
    exporter = start()
    before = exporter.series()[WHEN]
    exporter.configure(bad)
    status, answer = exporter.reload()
    assert (status, why in answer) == (500, True)
    assert why in exporter.log.read_text()
    assert probes(exporter) == {"one", "two"}
    assert exporter.series()[GOOD] == 0
    assert exporter.series()[WHEN] == before
    exporter.configure(configuration(box, "one"))
    assert exporter.reload()[0] == 200
    assert exporter.series()[GOOD] == 1
    assert exporter.series()[WHEN] > before


def test_a_file_that_is_gone_changes_nothing(start: Start) -> None:
    exporter = start()
    exporter.file.unlink()
    status, answer = exporter.reload()
    assert (status, "cannot be read" in answer) == (500, True)
    assert exporter.series()[GOOD] == 0


def test_a_link_cannot_reload(start: Start) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        start().get("/-/reload")
    refusal.value.close()
    assert refusal.value.code == 405


def test_many_signals_cause_one_reading_after_another(start: Start, box: Path) -> None:
    exporter = start()
    exporter.configure(configuration(box, "three"))
    for _ in range(200):
        exporter.send(signal.SIGHUP)
    wait_until(lambda: probes(exporter) == {"three"})
    exporter.configure(configuration(box, "four"))
    exporter.send(signal.SIGHUP)
    wait_until(lambda: probes(exporter) == {"four"})
    assert 2 <= exporter.log.read_text().count(READ) <= 202


def test_a_reload_does_not_hinder_the_end(start: Start) -> None:
    exporter = start()
    for _ in range(20):
        exporter.send(signal.SIGHUP)
    assert exporter.stop() == 0
    assert "Traceback" not in exporter.log.read_text()


def test_a_configmap_is_read_when_its_link_is_swapped(
    start: Start, box: Path, tmp_path: Path
) -> None:
    """As the kubelet does it: the file is a link into ..data, which is a link that is renamed
    over."""
    mount = tmp_path / "mailtrip"
    mount.mkdir()
    for version, names in (("..1", ("one", "two")), ("..2", ("two",))):
        (mount / version).mkdir()
        (mount / version / "mailtrip.yml").write_text(configuration(box, *names))
    (mount / "..data").symlink_to("..1")
    (mount / "mailtrip.yml").symlink_to("..data/mailtrip.yml")
    exporter = start("--config.enable-auto-reload")
    assert probes(exporter) == {"one", "two"}
    (mount / "..data_tmp").symlink_to("..2")
    os.rename(mount / "..data_tmp", mount / "..data")
    wait_until(lambda: probes(exporter) == {"two"})


def test_signals_from_the_first_moment_on_neither_end_it_nor_get_lost(
    start: Start, box: Path
) -> None:
    """Python takes a while to import everything, and SIGHUP ends whoever has not said what to do
    with it."""

    def hurry(exporter: Exporter) -> None:
        while "SigBlk:\t0000000000000000" in exporter.status:  # not even Python has begun
            time.sleep(0.001)
        exporter.configure(configuration(box, "two", "three"))
        exporter.send(signal.SIGHUP)

    exporter = start(meanwhile=hurry)
    wait_until(lambda: probes(exporter) == {"two", "three"})


@pytest.mark.parametrize("how", ["signal", "files"])
def test_what_changes_between_reading_and_serving_is_read(
    how: str, start: Start, box: Path, tmp_path: Path
) -> None:
    """The start is stopped where the key of the tokens is read: by then the configuration has been
    read."""
    pipe = tmp_path / "token.key"
    os.mkfifo(pipe)
    more = f"state: {{token_key: {{file: {pipe}}}}}\n"

    def change(exporter: Exporter) -> None:
        with pipe.open("w") as key:  # waits until somebody reads it
            exporter.configure(configuration(box, "two", "three", more=more))
            if how == "signal":
                exporter.send(signal.SIGHUP)
            key.write("0" * 64)

    flags = ["--config.enable-auto-reload"] if how == "files" else []
    exporter = start(*flags, more=more, meanwhile=change)
    wait_until(lambda: probes(exporter) == {"two", "three"})
    assert exporter.log.read_text().count(READ) == 1
