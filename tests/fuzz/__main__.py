"""Fuzzes the parsers with atheris (libFuzzer): `python -m tests.fuzz TARGET CORPUS
[-max_total_time=60 …]`.

The corpus is a folder; what the fuzzer finds interesting is kept there, beside our own samples. An
input that breaks a parser is written to `crash-…`, which libFuzzer's option -artifact_prefix puts
somewhere. `make fuzz` calls this.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["exporter", "email", "quopri"]):
    from tests.fuzz.targets import TARGETS

from tests.fuzz.seeds import SEEDS


def main(target: str, corpus: str, *options: str) -> None:
    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[target]):
        (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], corpus, "-max_len=8192", "-timeout=10", *options], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
