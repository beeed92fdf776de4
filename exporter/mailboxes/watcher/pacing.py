"""How often a mailbox is polled. Times in seconds."""

SHORTEST_GAP = 0.08  # between two looks while a message is fresh
# of the time waited: so the delay's error stays below 5 % and 100 ms, a round trip included
GAP_FRACTION = 0.04
LONGEST_GAP = 300.0
SENDING_GAP = 1.0  # while messages are being sent, when an accepted one wakes us, and afterwards


def gap_after(waited: float) -> float:
    """The time between two polls: a small fraction of `waited`, the time since the newest message
    was accepted."""
    return min(max(waited * GAP_FRACTION, SHORTEST_GAP), LONGEST_GAP)


def idle_gap(*, listens: bool) -> float:
    """The time until the next poll when no trip waits; a receiver is notified of new messages."""
    return LONGEST_GAP if listens else SENDING_GAP
