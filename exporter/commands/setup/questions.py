"""Questions to a person at a terminal."""

from collections.abc import Callable
from contextlib import suppress
from shutil import get_terminal_size
from textwrap import fill

from exporter.commands.exit_status import CannotStart
from exporter.config.mistakes import Mistakes

INDENT = "   "


class Questions:
    """Asks in the terminal, as often as an answer is wrong."""

    def __init__(self) -> None:
        with suppress(ImportError):
            import readline  # noqa: F401  # lets `input` edit a line

    def prompt(self, question: str, default: str, check: Callable[[str], object]) -> str:
        """Returns an answer that passes the check, which raises ValueError or Mistakes. An empty
        line stands for the default. Raises CannotStart at the end of the input."""
        print(f"\n{question}")
        while True:
            answer = self._line(f"[{default}] " if default else "> ") or default
            try:
                check(answer)
            except ValueError as error:
                self.say(str(error))
            except Mistakes as error:
                for one in error.mistakes:
                    self.say(f"{one.path}: {one.text}" if one.path else one.text)
            else:
                return answer

    def keeps(self) -> bool:
        """Whether answers that do not work are kept."""
        keep = self._line('Enter to answer again, or "keep": ')
        return keep.lower() in ("k", "keep")

    @staticmethod
    def say(text: str) -> None:
        """Breaks a long line between words."""
        width = get_terminal_size().columns
        for line in text.splitlines():
            print(
                fill(
                    line,
                    width,
                    initial_indent=INDENT,
                    subsequent_indent=INDENT,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )

    @staticmethod
    def _line(prompt: str) -> str:
        try:
            return input(f"{INDENT}{prompt}").strip()
        except EOFError:
            raise CannotStart("the input has ended; nothing is written") from None
        except UnicodeDecodeError:
            return ""
