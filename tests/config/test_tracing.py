"""The options of tracing."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.config.tracing import TracingOptions
from exporter.settings import Settings
from tests.config.test_excerpt import shown

USUAL: dict[str, Any] = {"endpoint": "http://collector:4318"}


@pytest.mark.parametrize(
    ("endpoint", "url", "place"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces", "collector:4318"),
        ("http://collector:4318/", "http://collector:4318/v1/traces", "collector:4318"),
        ("https://otlp.example.org/otlp", "https://otlp.example.org/otlp/v1/traces", None),
        ("https://otlp.example.org/v1/traces", "https://otlp.example.org/v1/traces", None),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces", "[::1]:4318"),
    ],
)
def test_the_path_of_traces_is_added(endpoint: str, url: str, place: str | None) -> None:
    options = TracingOptions(endpoint=endpoint)
    assert options.url == url
    assert options.place == (place or "otlp.example.org")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"endpoint": "collector:4318"}, "write http://HOST:4318"),
        ({"endpoint": "grpc://collector:4318"}, "write http://HOST:4318"),
        ({"endpoint": "http://collector:4317"}, "4317 is the port for OTLP over gRPC"),
        ({"endpoint": "http://me:hunter2@collector:4318"}, "must not contain a login"),
        ({"endpoint": "https://collector/?key=hunter2"}, "must not have a query"),
        ({"endpoint": "http://collector:99999"}, "the port in the URL is not valid"),
        ({"endpoint": "http://collector:0"}, "between 1 and 65535"),
        ({"endpoint": "http://-collector:4318"}, "not a host"),
        ({"endpoint": "http://{target}:4318"}, "write http://HOST:4318"),
        ({"endpoint": None}, "endpoint"),
        ({"headers": {"Authorization:": "x"}}, "without the colon"),
        ({"headers": {"Content-Type": "x"}}, "reserved: mailtrip sets this header"),
        ({"headers": {"X-Key": "a", "x-key": "b"}}, "headers: x-key is given twice"),
        ({"headers": {f"x-{number}": "a" for number in range(21)}}, "at most 20 items"),
        ({"resource": {"service.name": "x"}}, "see `service_name`"),
        ({"resource": {"a b": "x"}}, "not the name of an attribute"),
        ({"resource": {"a": "x" * 201}}, "one line of at most 200 characters"),
        ({"resource": {"a": "$HOSTNAME"}}, "variables are not expanded"),
        ({"trips": "some"}, "'all' or 'failed'"),
        ({"ca_file": "/ca.pem"}, "ca_file: no effect, since endpoint is not https"),
        ({"timeout": "10"}, "not a duration"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        TracingOptions.model_validate(USUAL | given)
    assert words in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_it_is_off_by_default_and_shows_no_secret() -> None:
    assert Settings.parse(b"{}", "x").tracing is None
    text = b"tracing: {endpoint: 'http://a:4318', headers: {X-Key: hunter2}}"
    page = Settings.parse(text, "x").shown()
    assert "X-Key" in page
    assert "hunter2" not in page


def test_an_excerpt_hides_headers_whatever_they_are_called() -> None:
    lines = shown("tracing:\n  timeout: 5s\n  headers:\n    timeout: hunter2\n    X-Key: hunter2\n")
    assert "hunter2" not in "\n".join(lines)
    assert lines[1] == "  timeout: 5s"


def test_its_client_certificate_is_watched_like_the_others() -> None:
    text = (
        b"tracing: {endpoint: 'https://a', client_certificate: {cert_file: /c.pem, key_file: /k}}"
    )
    assert Settings.parse(text, "x").client_certificates == {"/c.pem"}
