"""What Graph refuses becomes a reason and one clear line."""

import json

import pytest

from exporter.core.reasons import Reason
from exporter.net.graph.refusal import error_of, refusal


def body(code: str, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()


@pytest.mark.parametrize(
    ("status", "code", "sending", "reading"),
    [
        (400, "ErrorInvalidRecipients", Reason.REJECTED, Reason.REJECTED),
        (401, "InvalidAuthenticationToken", Reason.AUTH, Reason.AUTH),
        (403, "ErrorAccessDenied", Reason.AUTH, Reason.AUTH),
        (403, "ErrorSendAsDenied", Reason.REJECTED, Reason.REJECTED),
        (404, "ErrorInvalidUser", Reason.REJECTED, Reason.REJECTED),
        (429, "ApplicationThrottled", Reason.DEFERRED, Reason.UNAVAILABLE),
        (507, "ErrorQuotaExceeded", Reason.MAILBOX_FULL, Reason.UNAVAILABLE),
        (413, "ErrorQuotaExceeded", Reason.MAILBOX_FULL, Reason.UNAVAILABLE),
        (504, "UnknownError", Reason.UNAVAILABLE, Reason.UNAVAILABLE),
        (200, "", Reason.PROTOCOL, Reason.PROTOCOL),
        (301, "", Reason.PROTOCOL, Reason.PROTOCOL),
    ],
)
def test_the_reason_follows_from_status_and_code(
    status: int, code: str, sending: Reason, reading: Reason
) -> None:
    words = body(code, "The words.")
    assert refusal("graph.test", status, words, sending=True).reason is sending
    error = refusal("graph.test", status, words)
    assert (error.reason, error.code) == (reading, str(status))
    assert f"graph.test answered {status}" in error.detail


@pytest.mark.parametrize(
    "content", [b"", b"<h1>no</h1>", b"[]", b"{}", b'{"error": 7}', b'{"error": {"code": []}}']
)
def test_a_body_without_an_error_is_no_error(content: bytes) -> None:
    assert error_of(content) == ("", "")
    assert refusal("graph.test", 502, content).detail == "graph.test answered 502"


def test_words_are_one_line_and_not_long() -> None:
    error = refusal("graph.test", 404, body("Code", "one\r\ntwo\x1b[31m" + "x" * 5000))
    assert "Code: one" in error.detail
    assert len(error.detail) < 300
    assert error.detail.isprintable()
