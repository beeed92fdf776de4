"""Writes docs/terminal.svg, the moving picture of the terminal, from the recording beside it.

It needs no script: each word is shown from when to when it stood there, by an animation of the
style sheet. It plays three times and then rests at its end. A reader who wants no motion, and a
program that knows no animations, see that end at once.

Run it in the project's directory: python -m docs.animation
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from docs.recording import Picture, Recording, Run

ROOT = Path(__file__).resolve().parent.parent
RECORDING = ROOT / "docs/terminal.cast"
PICTURE = ROOT / "docs/terminal.svg"
COMMAND = "python -m docs.animation"

WIDE, HIGH = 8, 17  # of a character
MARGIN, BAR = 14, 30  # around the text, and above it
REST = 8.0  # seconds at the end, to read it
TIMES = 3  # that it plays
MOST = 100_000  # bytes

TITLE = "mailtrip probe in a terminal"
BLOCKS = {"█": "", "▒": "s"}
"""What a bar is drawn with, and the class of the rectangle that stands for it."""

COLOURS = {"default": "", "green": "g", "red": "r", "cyan": "c"}
STYLE = """\
text{font:13.3px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#24292f}
.back{fill:#fff;stroke:#c4cad1}.dot{fill:#c4cad1}.b{font-weight:700}.s{opacity:.65}
.g{fill:#116329}.r{fill:#b3261e}.c{fill:#0a6a80}
rect.g{fill:#2da44e}rect.r{fill:#cf222e}rect.c{fill:#1f93ad}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.back{fill:#0d1117;stroke:#3d444d}.dot{fill:#3d444d}
.g,rect.g{fill:#56d364}.r,rect.r{fill:#ff7b72}.c,rect.c{fill:#56c8d8}}
"""  # noqa: E501
STILL = "@media(prefers-reduced-motion:reduce){g{animation:none!important}}"


@dataclass(frozen=True)
class Interval:
    """From when to when something is shown, in seconds; without an end, to the end."""

    start: float
    end: float | None


def svg(recording: Recording) -> str:
    shown = _shown(recording.pictures())
    whole = recording.output[-1][0] + REST
    rows = 1 + max(row for runs in shown.values() for row, _ in runs)
    width, height = recording.columns * WIDE + 2 * MARGIN, BAR + rows * HIGH + MARGIN
    rules = "\n".join(_rule(interval, f"i{n}", whole) for n, interval in enumerate(shown))
    groups = "\n".join(
        f'<g class="i{n}">{"".join(_drawn(*run) for run in runs)}</g>'
        for n, runs in enumerate(shown.values())
    )
    dots = "".join(f'<circle class="dot" cx="{18 + 16 * n}" cy="16" r="5"/>' for n in range(3))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="t d">
<!-- Made from {RECORDING.name} by "{COMMAND}". -->
<title id="t">{TITLE}</title>
<desc id="d">{escape(description(recording))}</desc>
<style>
{STYLE}g{{animation:{whole:.2f}s step-end {TIMES}}}
{rules}
{STILL}
</style>
<rect class="back" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>{dots}
{groups}
</svg>
"""  # noqa: E501


def description(recording: Recording) -> str:
    """What stands there at the end, in words."""
    lines = recording.pictures()[-1].lines
    texts = (
        " ".join(run.text for run in line if not set(run.text) <= set(BLOCKS)) for line in lines
    )
    return " · ".join(text for text in texts if text)


def _shown(pictures: Sequence[Picture]) -> dict[Interval, list[tuple[int, Run]]]:
    """What is shown in which row, by when it is shown, oldest first."""
    since: dict[tuple[int, Run], float] = {}
    found: dict[Interval, list[tuple[int, Run]]] = {}
    for picture in pictures:
        there = {(row, run) for row, line in enumerate(picture.lines) for run in line}
        for gone in sorted(since.keys() - there):
            found.setdefault(Interval(since.pop(gone), picture.at), []).append(gone)
        since = dict.fromkeys(there, picture.at) | since
    for one in sorted(since):
        found.setdefault(Interval(since[one], None), []).append(one)
    return found


def _rule(interval: Interval, name: str, whole: float) -> str:
    """The rule of what is shown in this interval, in a loop of so many seconds."""
    steps = f"0%{{opacity:0}}{_percent(interval.start / whole)}{{opacity:1}}"
    rest = ""
    if interval.end is not None:
        steps += f"{_percent(interval.end / whole)}{{opacity:0}}"
        rest = ";opacity:0"
    return f".{name}{{animation-name:{name}{rest}}}@keyframes {name}{{{steps}}}"


def _percent(part: float) -> str:
    return f"{100 * part:.2f}%"


def _drawn(row: int, run: Run) -> str:
    left, top = MARGIN + run.column * WIDE, BAR + row * HIGH
    length, colour = len(run.text) * WIDE, COLOURS[run.colour]
    if run.text[0] in BLOCKS:
        kind = _class(colour, BLOCKS[run.text[0]])
        return f'<rect{kind} x="{left}" y="{top + 3}" width="{length}" height="{HIGH - 6}"/>'
    kind = _class(colour, "b" if run.bold else "")
    text = escape(run.text, quote=False)
    return f'<text{kind} x="{left}" y="{top + 13}" textLength="{length}">{text}</text>'


def _class(*names: str) -> str:
    there = " ".join(filter(None, names))
    return f' class="{there}"' if there else ""


def main() -> None:
    PICTURE.write_text(svg(Recording.read(RECORDING)), encoding="utf-8")


if __name__ == "__main__":
    main()
