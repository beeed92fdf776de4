"""A part of `make bench`: how long commands take to start, with compiled modules, as installed."""

import compileall
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.figures import show
from tests.support.mailtrip_process import Exporter

ROOT = Path(__file__).resolve().parents[2]
TIMES = 5  # the shortest counts
PROBES = (1, 1000, 10_000)
CONFIGURATION = """\
mailboxes: {own: {smtpd: {listen: "127.0.0.1:0", recipients: ["*@example.org"]}}}
modules:
  m:
    interval: 1h
    roundtrip: {from: m@example.org, send: {smtp: {host: 127.0.0.1, port: 9, tls: none}}, mailbox: own}
probes:
"""  # noqa: E501
PROBE = "  - {{name: probe-{0}, module: m, target: user{0}@example.org}}\n"


def start() -> None:
    with _compiled(), TemporaryDirectory() as place:
        directory = Path(place)
        check = directory / "check.yml"
        check.write_text(configuration(1))
        bare = _processor("-c", "import asyncio, pydantic, yaml")
        for what, arguments, aim in (
            ("mailtrip --version", ("-m", "exporter", "--version"), 0.15),
            ("mailtrip check", ("-m", "exporter", "check", str(check)), 0.5),
        ):
            used = _processor(*arguments)
            more = f"{used / bare:.1f} times `import asyncio, pydantic, yaml`"
            show(what, used, "s of CPU", aim, more)
        for probes in PROBES:
            wall, used = min(_healthy(directory / f"{probes}-{n}", probes) for n in range(TIMES))
            what = f"mailtrip serve, {probes:,} probes"
            most = 1.0 if probes <= 1000 else None
            show(what, wall, "s to healthy", most, f"{used:.2f} s of CPU")


def configuration(probes: int) -> str:
    return CONFIGURATION + "".join(map(PROBE.format, range(probes)))


def _processor(*arguments: str) -> float:
    """Processor time of a Python with these arguments."""
    used = []
    for _ in range(TIMES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(used)


def _healthy(directory: Path, probes: int) -> tuple[float, float]:
    """Seconds from the start of the process to its first answer to /-/healthy, and processor time
    until then."""
    begun = time.perf_counter()
    exporter = Exporter(configuration(probes), directory)
    try:
        exporter.get("/-/healthy")
        wall = time.perf_counter() - begun
        used = Path(f"/proc/{exporter.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return wall, sum(map(int, used)) / os.sysconf("SC_CLK_TCK")
    finally:
        exporter.kill()


@contextmanager
def _compiled() -> Iterator[None]:
    """The modules are compiled, and Python uses that."""
    compileall.compile_dir(ROOT / "exporter", quiet=1)
    without = os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        yield
    finally:
        if without is not None:
            os.environ["PYTHONDONTWRITEBYTECODE"] = without


if __name__ == "__main__":
    start()
