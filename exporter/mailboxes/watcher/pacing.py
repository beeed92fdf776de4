"""How often a mailbox is looked into. Times in seconds."""

SHORTEST_GAP = 0.08  # between two looks while a message is fresh
# of the time waited: so the delay's error stays below 5 % and 100 ms, a round trip included
GAP_FRACTION = 0.04
LONGEST_GAP = 300.0
SENDING_GAP = 1.0  # while messages are being sent, when an accepted one wakes us, and afterwards


def gap_after(waited: float, recheck_in: float) -> float:
    """The time until the next look when the youngest message was accepted `waited` ago: a small
    part of that. The thorough look that is due in `recheck_in` is not missed."""
    fitting = min(max(waited * GAP_FRACTION, SHORTEST_GAP), LONGEST_GAP)
    return min(fitting, max(recheck_in, 0.0))


def idle_gap(*, listens: bool) -> float:
    """The time until the next look when no message is awaited; a receiver is told of new ones."""
    return LONGEST_GAP if listens else SENDING_GAP
