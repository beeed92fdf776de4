"""The tests that need Python alone, with the oldest libraries that pyproject.toml allows, as a
distribution may have.

`make lowest` runs this. The environment is kept in .pythons, and made again when pyproject.toml
changes.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
HOME = ROOT / ".pythons" / "lowest"
PYTHON = HOME / "bin" / "python"


def main(arguments: list[str]) -> int:
    stamp = HOME / "made"
    if not stamp.exists() or stamp.read_bytes() != PROJECT.read_bytes():
        print("making an environment with the oldest libraries", flush=True)
        make()
        stamp.write_bytes(PROJECT.read_bytes())
    return subprocess.run(
        [PYTHON, "-m", "pytest", "-m", "pure", *arguments], cwd=ROOT, check=False
    ).returncode


def make() -> None:
    """Our libraries in their lowest versions, then what the tests need beside them. What fails says
    so itself."""
    _run(sys.executable, "-m", "venv", "--clear", "--without-pip", HOME)
    install: list[str | Path] = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        PYTHON,
    ]
    _run(*install, "--resolution", "lowest-direct", "--editable", ".")
    limits = HOME / "limits"
    limits.write_text(frozen())
    _run(*install, "--constraint", limits, "--editable", ".[dev]")
    if other := missed(lowest(PROJECT.read_text(encoding="utf-8")), frozen()):
        sys.exit(f"pyproject.toml allows versions that cannot be installed: {', '.join(other)}")


def lowest(project: str) -> dict[str, str]:
    """The lowest version of each library that this pyproject.toml allows."""
    requirements = tomllib.loads(project)["project"]["dependencies"]
    found = (
        re.match(r"([A-Za-z0-9-]+)(?:>=([0-9.]+))?", requirement) for requirement in requirements
    )
    return {match[1]: match[2] or "" for match in found if match}


def missed(wanted: dict[str, str], freeze: str) -> list[str]:
    """Libraries that are not there in their lowest version, or have none. 4.1 may be 4.1.1, if
    there is no 4.1.0."""
    found = dict(line.lower().split("==") for line in freeze.splitlines() if "==" in line)
    return [
        name
        for name, version in wanted.items()
        if not f"{found.get(name)}.0.0".startswith(f"{version}.")
    ]


def frozen() -> str:
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "freeze",
        "--exclude-editable",
        "--python",
        str(PYTHON),
    ]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _run(*command: str | Path) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
