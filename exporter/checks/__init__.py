"""What a module does with its target: the kinds of check."""

from exporter.checks.options import RoundtripOptions
from exporter.checks.roundtrip import RoundTrip
from exporter.config.choice import Choice


class CheckOptions(Choice):
    """What a module does: one of these."""

    roundtrip: RoundtripOptions | None = None
    """Sends a message and finds it again."""


CHECKS = {"roundtrip": RoundTrip}
"""By key in a module. Called with the options, the target, a resolver, the watchers by mailbox and the pace."""
