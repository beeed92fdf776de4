"""The session resource: which URLs, account and limits are taken from it, and where credentials
never go."""

from typing import Any

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.jmap.resource import MAIL, SUBMISSION, Limits, read_resource, resolved

ORIGIN = "https://jmap.example.org/session"
CORE = "urn:ietf:params:jmap:core"


def resource(**different: Any) -> dict[str, Any]:
    return {
        "capabilities": {CORE: {"maxObjectsInGet": 7, "maxSizeUpload": 1000}, MAIL: {}},
        "accounts": {"a": {"accountCapabilities": {MAIL: {}}}},
        "primaryAccounts": {MAIL: "a"},
        "apiUrl": "/api/",
        "uploadUrl": "https://jmap.example.org:443/upload/{accountId}/",
        "downloadUrl": "/get/{accountId}/{blobId}/{name}?type={type}",
        "eventSourceUrl": "/events/?types={types}&closeafter={closeafter}&ping={ping}",
        "state": "s",
        **different,
    }


def test_relative_urls_limits_and_the_account_are_read() -> None:
    found = read_resource(resource(), ORIGIN, [], MAIL)
    assert (found.state, found.account) == ("s", "a")
    assert found.api_url == "https://jmap.example.org/api/"
    assert found.upload() == "https://jmap.example.org:443/upload/a/"
    assert found.limits == Limits(max_objects_in_get=7, max_size_upload=1000)
    name = "message.eml?type=message%2Frfc822"
    assert found.download("b/../c?d") == (f"https://jmap.example.org/get/a/b%2F..%2Fc%3Fd/{name}")
    assert found.download("b\ud800c").startswith("https://jmap.example.org/get/a/b%3Fc/")
    assert found.events("Email", 30).endswith("/events/?types=Email&closeafter=no&ping=30")


@pytest.mark.parametrize("name", ["apiUrl", "uploadUrl", "downloadUrl", "eventSourceUrl"])
def test_a_url_that_is_no_text_is_refused(name: str) -> None:
    """JSON may have half a pair of surrogates."""
    with pytest.raises(ProbeError) as caught:
        read_resource(resource(**{name: "/\ud800/"}), ORIGIN, [], MAIL)
    assert caught.value.reason is Reason.PROTOCOL
    assert caught.value.detail.encode()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api",
        "https://jmap.example.org:8443/api",
        "https://jmap.example.org.evil.example/api",
        "https://jmap.example.org@evil.example/api",
        "https://me:secret@jmap.example.org/api",
        "http://jmap.example.org/api",
        "//evil.example/api",
        "ftp://jmap.example.org/",
        "https://[::1/",
        "https://jmap.example.org:x/",
    ],
)
@pytest.mark.parametrize("name", ["apiUrl", "uploadUrl", "downloadUrl", "eventSourceUrl"])
def test_a_url_elsewhere_is_refused(name: str, url: str) -> None:
    with pytest.raises(ProbeError) as caught:
        read_resource(resource(**{name: url}), ORIGIN, ["files.example.org"], MAIL)
    assert caught.value.reason is Reason.PROTOCOL
    assert name in caught.value.detail


def test_a_url_at_another_host_of_the_server_is_taken() -> None:
    url = "https://Files.example.org/{accountId}/{blobId}"
    found = read_resource(resource(downloadUrl=url), ORIGIN, ["files.example.org"], MAIL)
    assert found.download("b") == "https://Files.example.org/a/b"
    assert resolved(ORIGIN, "?x", [], "a redirect") == f"{ORIGIN}?x"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([], Reason.PROTOCOL),
        ({}, Reason.PROTOCOL),
        (resource(apiUrl=7), Reason.PROTOCOL),
        (resource(uploadUrl=""), Reason.PROTOCOL),
        (resource(primaryAccounts={}), Reason.REJECTED),
        (resource(primaryAccounts=[]), Reason.REJECTED),
        (resource(accounts={}), Reason.UNAVAILABLE),
        (resource(accounts={"a": {"accountCapabilities": {}}}), Reason.UNAVAILABLE),
    ],
)
def test_what_is_no_session_of_ours_is_named(found: Any, reason: Reason) -> None:
    with pytest.raises(ProbeError) as caught:
        read_resource(found, ORIGIN, [], MAIL)
    assert caught.value.reason is reason


def test_an_account_that_cannot_submit_now_is_not_one_without_submission() -> None:
    """Cyrus omits the capability of the account while its mail server does not answer."""
    with pytest.raises(ProbeError) as none:
        read_resource(resource(), ORIGIN, [], SUBMISSION)
    assert none.value.reason is Reason.REJECTED
    primary = {MAIL: "a", SUBMISSION: "a"}
    with pytest.raises(ProbeError) as now:
        read_resource(resource(primaryAccounts=primary), ORIGIN, [], SUBMISSION)
    assert now.value.reason is Reason.UNAVAILABLE


@pytest.mark.parametrize("limits", [None, {}, {"maxObjectsInGet": "many"}, {"maxObjectsInGet": 0}])
def test_limits_that_make_no_sense_are_those_of_the_rfc(limits: Any) -> None:
    found = read_resource(resource(capabilities={CORE: limits}), ORIGIN, [], MAIL)
    assert found.limits == Limits()
