"""The answers of look-ups in a terminal: those about each subject, then a verdict on each name."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from exporter.blocklists.lookup import Lookup, SubjectAnswers
from exporter.config.grammar import in_unicode
from exporter.core.model import ListState
from exporter.terminal.listings import answers

_WORDS = {
    ListState.LISTED: ("LISTED", "bold red"),
    ListState.CLEAN: ("NOT LISTED", "bold green"),
    ListState.UNKNOWN: ("UNKNOWN", "bold yellow"),
}
_WIDTH = max(len(word) for word, _ in _WORDS.values())


def show(lookups: Sequence[Lookup], console: Console) -> None:
    """What is read first, the verdicts, comes last."""
    listings = [one for lookup in lookups for about in lookup.answers for one in about.listings]
    lists = max((len(one.blocklist) for one in listings), default=0)
    states = max((len(one.state.in_words) for one in listings), default=0)
    for lookup in lookups:
        for about in lookup.answers:
            console.print(_heading(about), soft_wrap=True)
            answers(about.listings, (lists, states), console)
        console.print()
    for line in dict.fromkeys(_notes(lookups)):
        console.print(Text(f"note: {line}"), soft_wrap=True)
    for lookup in lookups:
        console.print(_verdict(lookup), soft_wrap=True)


def _heading(about: SubjectAnswers) -> Text:
    readable = in_unicode(about.subject.text)
    other = f" ({readable})" if readable != about.subject.text else ""
    origin = f", {about.origin}" if about.origin else ""
    return Text.assemble((about.subject.text, "bold"), f"{other}{origin}: {about.verdict}")


def _notes(lookups: Sequence[Lookup]) -> Iterator[str]:
    for lookup in lookups:
        yield from (*lookup.problems, *lookup.notes, *filter(None, [lookup.resolver]))


def _verdict(lookup: Lookup) -> Text:
    word, style = _WORDS[lookup.state]
    details = ""
    if lookup.state is ListState.LISTED:
        details = f": {'; '.join(lookup.listings)}"
    elif lookup.state is ListState.UNKNOWN:
        silent = "no list answered" if lookup.asked else "no list is asked about it"
        details = f": {'; '.join(lookup.problems) or silent}"
    elif unknown := lookup.unanswered:
        details = f", incomplete: {len(unknown)} of {len(lookup.asked)} lists unknown"
        style = "bold yellow"
    return Text.assemble((word.ljust(_WIDTH), style), f"  {lookup.what.text}{details}")
