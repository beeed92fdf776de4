"""What comes home of a trip, and proves that its message arrived."""

from enum import StrEnum


class Home(StrEnum):
    """The ways home: the option `home` of a round trip."""

    MESSAGE = "message"  # the message itself
    REPLY = "reply"  # an answer to it
    DELIVERY_STATUS = "delivery_status"  # a notification of its delivery (RFC 3461)
