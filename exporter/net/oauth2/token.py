"""A token and its lifetime."""

from dataclasses import dataclass, field

# of its life before its end a token is renewed: what an identity provider's outage may last
MARGIN = 0.25
LAST_MOMENTS = 5.0  # seconds, at most: it would end on its way to the server


@dataclass(frozen=True, slots=True)
class Granted:
    """A token as granted by an identity provider."""

    value: str = field(repr=False)
    lifetime: float  # seconds
    refresh_token: str = field(repr=False)  # empty if there is no newer one


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. Printing it shows only its expiry."""

    value: str = field(repr=False)
    issued: float  # monotonic, before it was asked for
    lifetime: float  # seconds
    expires_at: float  # Unix time, by our clock: that of the identity provider does not matter

    @property
    def renew_at(self) -> float:
        """Monotonic."""
        return self.issued + self.lifetime * (1 - MARGIN)

    @property
    def good_until(self) -> float:
        """Monotonic."""
        return self.issued + self.lifetime - min(LAST_MOMENTS, self.lifetime / 10)
