"""Several probes together."""

from collections import Counter
from collections.abc import Sequence

from exporter.commands.status.judgement import Judgement
from exporter.core.one_line import one_line
from exporter.core.severity import Severity

NAMED = 3  # probes that it names
LONGEST_NAMED, LONGEST_ALONE = 90, 320  # characters about one of several, and about a single one


def worst_of(judgements: Sequence[Judgement]) -> Severity:
    """The worst severity; without any, it is unknown."""
    severities = (one.severity for one in judgements)
    return max(severities, key=lambda one: one.rank, default=Severity.UNKNOWN)


def worst_first(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Otherwise in the same order."""
    return sorted(judgements, key=lambda one: -one.severity.rank)


def in_one_line(judgements: Sequence[Judgement]) -> str:
    """What the one who is on call needs to know."""
    total = len(judgements)
    wrong = [one for one in worst_first(judgements) if one.severity is not Severity.OK]
    if total == 1 or len(wrong) == 1:
        (first, *_) = wrong or judgements
        others = total - 1
        rest = f" ({others} other probe{'s are' if others > 1 else ' is'} OK)" if others else ""
        return f"{one_line(f'{first.probe.title}: {first.words}', LONGEST_ALONE)}{rest}"
    if not wrong:
        planned = sum(bool(one.probe.maintenance) for one in judgements)
        note = f", {planned} of them in planned maintenance" if planned else ""
        return f"all {total} probes are OK{note}"
    named = ", ".join(
        one_line(f"{one.probe.title}: {one.brief}", LONGEST_NAMED) for one in wrong[:NAMED]
    )
    more = f", and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    return f"{counted(judgements)}: {named}{more}"


def counted(judgements: Sequence[Judgement]) -> str:
    """How many probes there are of each severity, the worst first."""
    counts = Counter(one.severity for one in judgements)
    found = sorted(counts.items(), key=lambda one: -one[0].rank)
    return ", ".join(f"{number} {one.in_words}" for one, number in found)
