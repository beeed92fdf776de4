"""The phases of a trip and the legs of its path: one row each."""

from enum import StrEnum

from exporter.core.severity import Severity


class Leg(StrEnum):
    """The three parts of the path, one of which is to blame."""

    SEND = "send"
    MAILBOX = "mailbox"
    DELIVERY = "delivery"


class Phase(StrEnum):
    """The parts of a trip, disjoint and in this order."""

    meaning: str
    """For people: what happens in it, or until when it lasts."""
    leg: Leg
    """The leg that a failure in this phase speaks against, if its reason does not say otherwise."""
    reached: tuple[Leg, ...]
    """The legs on which a trip has a verdict once this phase has begun."""
    severity: Severity
    """Of a failure in it, if its reason does not say otherwise: once the message has come, a
    warning."""

    def __new__(
        cls, word: str, meaning: str, leg: Leg, reached: tuple[Leg, ...], severity: Severity
    ) -> "Phase":
        phase = str.__new__(cls, word)
        phase._value_ = word
        phase.meaning, phase.leg, phase.reached = meaning, leg, reached
        phase.severity = severity
        return phase

    OPEN = (
        "open",
        "the mailbox is made ready",
        Leg.MAILBOX,
        (Leg.MAILBOX,),
        Severity.CRITICAL,
    )
    SEND = (
        "send",
        "until another server is responsible for the message",
        Leg.SEND,
        (Leg.SEND,),
        Severity.CRITICAL,
    )
    DELIVER = (
        "deliver",
        "until it is seen in the mailbox",
        Leg.MAILBOX,
        (Leg.DELIVERY,),
        Severity.CRITICAL,
    )
    VERIFY = (
        "verify",
        "it is what was sent, where it should be",
        Leg.DELIVERY,
        (),
        Severity.WARNING,
    )
    DELETE = "delete", "it is gone from the mailbox", Leg.MAILBOX, (), Severity.WARNING
