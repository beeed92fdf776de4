"""A unit file with its drop-ins, as systemd.unit(5) puts them together."""

import shlex
from collections import defaultdict
from pathlib import Path

UNITS = Path(__file__).resolve().parents[2] / "examples/systemd"
DROP_INS = UNITS / "mailtrip.service.d"


class Unit:
    """Lists of values by their option; an empty value forgets those before it. No option here is in
    two sections."""

    def __init__(self, name: str, *drop_ins: str) -> None:
        self._values: dict[str, list[str]] = defaultdict(list)
        for file in [UNITS / name, *(DROP_INS / drop_in for drop_in in drop_ins)]:
            for line in file.read_text().splitlines():
                if line and not line.startswith(("#", "[")):
                    option, _, value = line.partition("=")
                    self._values[option] = [*self._values[option], value] if value else []

    def __contains__(self, option: str) -> bool:
        """Whether it is said, and not "no"."""
        return bool(self._values[option]) and self._values[option][-1] != "no"

    def all(self, option: str) -> list[str]:
        return self._values[option]

    def words(self, option: str) -> list[str]:
        """Of all its values together."""
        return " ".join(self._values[option]).split()

    def one(self, option: str) -> str:
        (value,) = self._values[option]
        return value

    def seconds(self, option: str) -> float:
        return float(self.one(option).removesuffix("s"))

    def command(self, option: str = "ExecStart") -> list[str]:
        """Its words, with $FLAGS put in, which is the only variable that the units use there."""
        flags = dict(value.split("=", 1) for value in self.all("Environment")).get("FLAGS", "")
        return shlex.split(self.one(option).replace("$FLAGS", flags))
