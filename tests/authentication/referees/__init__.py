"""Other programs that judge messages, with the same DNS as we do. What they say is in the words of
RFC 8601."""

from collections.abc import Mapping

Said = dict[str, Mapping[str, set[str]]]
"""The results by case and method."""
