"""A matrix of probes: each sender with each recipient."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """The place of a probe in a matrix. All are names, fit for labels."""

    matrix: str
    sender: str
    recipient: str
