"""The data of the page with the configuration: its text in parts, with anchors for mailboxes,
modules and probes."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import islice

from exporter.settings import Settings

MOST_LINES = 10  # of one part
MOST_CONTENTS = 100  # mailboxes, and modules, that the page begins with


@dataclass(frozen=True, slots=True)
class ConfigurationPart:
    """Some lines, after one with an anchor, if it has one."""

    anchor: str
    head: str
    rest: str


class ConfigurationPage:
    """The configuration as `text`, which is that of `Settings.shown`: it holds no secrets."""

    def __init__(self, settings: Settings, text: str) -> None:
        self._settings = settings
        self._text = text
        self.mailboxes = [*islice(settings.mailboxes, MOST_CONTENTS)]
        self.modules = [*islice(settings.modules, MOST_CONTENTS)]
        self.more = {
            "mailboxes": len(settings.mailboxes) - len(self.mailboxes),
            "modules": len(settings.modules) - len(self.modules),
        }

    @property
    def parts(self) -> Iterator[ConfigurationPart]:
        """Made one by one while the page is written: there may be ten thousand probes.

        Entries are counted, and their names not parsed: YAML may quote or fold them. What is
        in an entry is indented deeper than its first line.
        """
        names = {
            "mailboxes": (f"mailbox-{name}" for name in self._settings.mailboxes),
            "modules": (f"module-{name}" for name in self._settings.modules),
            "probes": (f"probe-{probe.name}" for probe in self._settings.probes),
        }
        section, anchor, head = "", "", ""
        rest: list[str] = []
        for line in StringIO(self._text):
            begins = ""
            if line[0] not in " -\n":
                section = line.partition(":")[0]
                begins = section if section in names else ""
            elif section in names and _begins_entry(section, line):
                begins = next(names[section], "")
            if begins or len(rest) == MOST_LINES:
                yield ConfigurationPart(anchor, head, "".join(rest))
                anchor, head, rest = "", "", []
            if begins:
                anchor, head = begins, line.rstrip("\n")
            else:
                rest.append(line)
        yield ConfigurationPart(anchor, head, "".join(rest))


def _begins_entry(section: str, line: str) -> bool:
    if section == "probes":
        return line.startswith("- ")
    return line.startswith("  ") and line[2:3] not in ("", " ", "\n")
