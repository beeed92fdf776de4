"""The rate limit of HTTP requests."""

from exporter.web.options import RateLimitOptions


class TokenBucket:
    """One token for each request; a new one is added in every interval, up to the burst."""

    def __init__(self, options: RateLimitOptions) -> None:
        self.options = options
        self._tokens = float(options.burst)
        self._counted = 0.0

    def take(self, now: float) -> bool:
        """Takes a token; False if there is none. `now` is in monotonic seconds."""
        if not self.options.interval:
            return True
        came = (now - self._counted) / self.options.interval
        self._tokens = min(self._tokens + came, float(self.options.burst))
        self._counted = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def charge(self, tokens: float) -> None:
        """Takes more tokens, for a request that has cost more than one: later ones wait longer."""
        self._tokens -= tokens

    @property
    def wait(self) -> float:
        """Seconds until there is a token, from the last request on."""
        return max(1 - self._tokens, 0.0) * self.options.interval
