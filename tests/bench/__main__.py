"""`make bench`: what mailtrip costs, each figure with its aim. Prints, asserts nothing.

Everything goes to the lab on loopback. A ratio is to something measured in the same run; any other
figure is for this machine. `make bench ARGS="trip layers"` runs only these parts.
"""

import argparse
import asyncio
from collections.abc import Callable, Sequence

from tests.bench.blocklists import blocklists
from tests.bench.cached import cached_probe
from tests.bench.capacity import ten_thousand_probes, two_processes
from tests.bench.delay import errors_of_delay
from tests.bench.isolation import isolation
from tests.bench.many import in_a_small_process, thousand_probes
from tests.bench.memory import memory
from tests.bench.overload import MINUTES, overload
from tests.bench.series import scrapes
from tests.bench.start import start
from tests.bench.trips import layers, trips
from tests.lab.client import Lab

PARTS: dict[str, Callable[[Lab], None]] = {
    "trip": lambda lab: asyncio.run(trips(lab)),
    "layers": lambda lab: asyncio.run(layers(lab)),
    "blocklists": lambda lab: asyncio.run(blocklists(lab)),
    "series": lambda lab: asyncio.run(scrapes(lab)),
    "delay": lambda lab: asyncio.run(errors_of_delay(lab)),
    "many": lambda lab: in_a_small_process(thousand_probes),
    "memory": memory,
    "cached": cached_probe,
    "overload": lambda lab: overload(),
    "probes": lambda lab: in_a_small_process(ten_thousand_probes),
    "rate": lambda lab: two_processes(),
    "start": lambda lab: start(),
    "isolation": isolation,
}
"""What can be measured alone."""


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("tests.bench", description="Measures what mailtrip costs.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {' '.join(PARTS)}")
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help="of overload (default: %(default)g)"
    )
    arguments = parser.parse_args(words)
    parts = arguments.parts or [*PARTS]
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no such part: {' '.join(unknown)}; there are: {' '.join(PARTS)}")
    measured: dict[str, Callable[[Lab], None]] = {
        **PARTS,
        "overload": lambda lab: overload(arguments.minutes),
    }
    lab = Lab()
    started = lab.up()
    try:
        for part in parts:
            measured[part](lab)
    finally:
        if started:
            lab.down()


if __name__ == "__main__":
    main()
