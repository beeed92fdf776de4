"""Writes what belongs beside the program: the man page, and completions for bash, zsh and fish.

All of them come from the command line itself. Run it in the project's directory:
python -m docs.commandline
"""

from pathlib import Path

from docs.completions import bash, fish, zsh
from docs.manual_page import man_page

ROOT = Path(__file__).resolve().parent.parent
SHARE = ROOT / "share"
"""As below the prefix of an installation: the wheel puts it there."""


def texts() -> dict[str, str]:
    """The content of every file, by its place below share/."""
    return {
        "man/man1/mailtrip.1": man_page(),
        "bash-completion/completions/mailtrip": bash(),
        "zsh/site-functions/_mailtrip": zsh(),
        "fish/vendor_completions.d/mailtrip.fish": fish(),
    }


if __name__ == "__main__":
    for name, text in texts().items():
        file = SHARE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
