"""compose.yml as its readers see it."""

from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILE = EXAMPLES / "compose.yml"

Object = dict[str, Any]


def read(file: Path) -> Object:
    content: Object = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def mounts(service: Object) -> dict[str, Path | str]:
    """What lies at each path in the container: a file or directory of this project, or the name of
    a volume."""
    found: dict[str, Path | str] = {}
    for line in service["volumes"]:
        source, path = line.split(":")[:2]
        found[path] = (EXAMPLES / source).resolve() if source.startswith(".") else source
    return found


def elsewhere() -> Object:
    """The same, for a file in another directory."""
    content = read(FILE)
    for service in content["services"].values():
        service.pop("build", None)
        service["volumes"] = [
            f"{EXAMPLES}/{line}" if line.startswith(".") else line for line in service["volumes"]
        ]
    for secret in content["secrets"].values():
        secret["file"] = str(EXAMPLES / secret["file"])
    return content
