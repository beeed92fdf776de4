"""Errors of JMAP in our words."""

from typing import Any

import pytest

from exporter.core.reasons import Reason
from exporter.net.jmap.errors import (
    DEFAULT_PAUSE,
    LONGEST_PAUSE,
    Throttled,
    of_method,
    of_object,
    of_status,
)

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("", DEFAULT_PAUSE),
        ("0", 0),
        ("7", 7),
        ("999999999", LONGEST_PAUSE),
        ("9" * 5000, DEFAULT_PAUSE),
        ("-5", DEFAULT_PAUSE),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2023 22:12:20 GMT", 0),
        ("Tue, 14 Nov 99999 22:12:20 GMT", DEFAULT_PAUSE),
        ("soon", DEFAULT_PAUSE),
    ],
)
def test_a_pause_is_understood_and_bounded(retry_after: str, seconds: float) -> None:
    headers = {"Retry-After": retry_after} if retry_after else {}
    error = of_status("host", "Email/get", 429, headers, None, NOW)
    assert isinstance(error, Throttled)
    assert (error.reason, error.code, error.seconds) == (Reason.UNAVAILABLE, "429", seconds)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.AUTH),
        (403, Reason.REJECTED),
        (404, Reason.PROTOCOL),
        (302, Reason.PROTOCOL),
        (413, Reason.REJECTED),
        (500, Reason.UNAVAILABLE),
        (503, Reason.UNAVAILABLE),
    ],
)
def test_a_status_has_a_reason_and_the_server_s_words(status: int, reason: Reason) -> None:
    problem = {"type": "about:blank", "title": "no", "detail": "not\nnow"}
    error = of_status("host", "Email/get", status, {}, problem, NOW)
    assert (error.reason, error.code) == (reason, str(status))
    assert error.detail.endswith(": not now")
    assert not isinstance(error, Throttled)


@pytest.mark.parametrize(
    ("found", "reason", "code"),
    [
        ({"type": "serverFail", "description": "oops"}, Reason.UNAVAILABLE, "serverFail"),
        ({"type": "accountReadOnly"}, Reason.REJECTED, "accountReadOnly"),
        ({"type": "somethingNew"}, Reason.PROTOCOL, ""),
        ({"type": 7}, Reason.PROTOCOL, ""),
        ({}, Reason.PROTOCOL, ""),
    ],
)
def test_the_error_of_a_method_is_a_code_only_if_it_is_known(
    found: dict[str, Any], reason: Reason, code: str
) -> None:
    error = of_method("host", "Email/get", found)
    assert (error.reason, error.code) == (reason, code)


@pytest.mark.parametrize(
    ("kind", "words", "reason", "code"),
    [
        ("forbiddenToSend", "4.2.0 later", Reason.DEFERRED, "forbiddenToSend"),
        ("forbiddenToSend", "451 4.7.1 later", Reason.DEFERRED, "forbiddenToSend"),
        ("forbiddenToSend", "SMTP 450", Reason.DEFERRED, "forbiddenToSend"),
        ("forbiddenToSend", "5.7.1 never", Reason.REJECTED, "forbiddenToSend"),
        ("forbiddenToSend", "42 is no code", Reason.REJECTED, "forbiddenToSend"),
        ("tooManyRecipients", "", Reason.REJECTED, "tooManyRecipients"),
        ("overQuota", "", Reason.MAILBOX_FULL, "overQuota"),
        ("rateLimit", "", Reason.DEFERRED, "rateLimit"),
        ("serverFail", "Internal Error", Reason.UNAVAILABLE, "serverFail"),  # Cyrus
        ("somethingNew", "", Reason.REJECTED, ""),
    ],
)
def test_the_error_of_an_object_is_permanent_unless_it_says_otherwise(
    kind: str, words: str, reason: Reason, code: str
) -> None:
    error = of_object("host", "did not submit", {"type": kind, "description": words})
    assert (error.reason, error.code) == (reason, code)
