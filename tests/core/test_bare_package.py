"""Packages that are entered without their `__init__`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = {
    "__init__.py": "import sys\nsys.modules['told'] = 'the whole library'\nfrom library.more"
    " import everything\n",
    "part.py": "from . import other\nvalue = other.value\n",
    "other.py": "value = 1\n",
    "more.py": "everything = 2\n",
}


def said_by(lines: str, directory: Path) -> list[str]:
    """What a Python writes that has entered the package."""
    for name, text in LIBRARY.items():
        (directory / "library").mkdir(exist_ok=True)
        (directory / "library" / name).write_text(text)
    entered = (
        "import sys\nfrom exporter.core.bare_package import BarePackage\n"
        f"sys.path.insert(0, {str(directory)!r})\nBarePackage.enter('library')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", entered + lines],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_module_of_it_is_imported_alone(tmp_path: Path) -> None:
    lines = (
        "import library.part\nfrom library import other\nprint(library.part.value, other.value)\n"
        "print('told' in sys.modules, 'library.more' in sys.modules)\n"
    )
    assert said_by(lines, tmp_path) == ["1 1", "False False"]


def test_what_only_the_package_has_executes_it(tmp_path: Path) -> None:
    lines = (
        "import library.part\nfrom library import everything\n"
        "print(everything, library.everything, 'told' in sys.modules, hasattr(library, 'none'))\n"
        "print(type(library).__name__)\n"
    )
    assert said_by(lines, tmp_path) == ["2 2 True False", "module"]


def test_a_package_that_is_there_already_stays_as_it_is(tmp_path: Path) -> None:
    lines = (
        "import library\nlibrary.everything\nBarePackage.enter('library')\n"
        "BarePackage.enter('no_such_library')\n"
        "print(type(sys.modules['library']).__name__, 'no_such_library' in sys.modules)\n"
    )
    assert said_by(lines, tmp_path) == ["module False"]
