"""The rate limit of HTTP requests."""

from exporter.web.options import RateLimitOptions
from exporter.web.token_bucket import TokenBucket


def test_a_token_comes_in_every_interval_and_there_is_room_for_a_burst() -> None:
    bucket = TokenBucket(RateLimitOptions.model_validate({"interval": "2s", "burst": 3}))
    now = 1000.0
    assert [bucket.take(now) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(now + 1.9), bucket.take(now + 2.0), bucket.take(now + 2.1)] == [
        False,
        True,
        False,
    ]
    assert [bucket.take(now + 4.5), bucket.take(now + 4.6)] == [True, False]
    assert [bucket.take(now + 100) for _ in range(4)] == [True, True, True, False]


def test_what_costs_more_than_a_token_delays_what_follows() -> None:
    bucket = TokenBucket(RateLimitOptions.model_validate({"interval": "2s", "burst": 3}))
    assert bucket.take(1000.0)
    assert bucket.wait == 0
    bucket.charge(5)
    assert not bucket.take(1000.0)
    assert bucket.wait == 8
    assert [bucket.take(1007.9), bucket.take(1008.0)] == [False, True]
