"""What `check` says of values that can be read, and are probably unintended."""

from pathlib import Path

import pytest

from exporter.config.mistakes import Mistakes
from tests.support.reviewed import LOGIN, MAILBOX, SENDER, found


def test_a_secret_for_a_collector_is_not_sent_in_plain_text_to_another_machine() -> None:
    text = "tracing: {endpoint: 'http://%s:4318', headers: {X-Scope: a, Authorization: hunter2}}"
    (line,) = found(text % "otel.example.org")
    assert line == (
        "f:1:62: warning: tracing.headers: Authorization is sent to otel.example.org in plain text:"
        " use https"
    )
    for here in ("127.0.0.1", "localhost", "[::1]"):
        assert found(text % here) == []
    assert found(text.replace("http:", "https:") % "otel.example.org") == []


def test_a_secret_that_a_comment_cuts_short_is_told_of() -> None:
    block = "mailboxes:\n  m:\n    imap:\n      host: h\n      username: u\n      password: %s\n"
    cut = (
        "f:6:17: mailboxes.m.imap.password: YAML ends the secret before the #, and what follows"
        " is not part of it"
    )
    assert found(block % "abc #hunter2") == [f"{cut}: quote the secret"]
    assert found(block % "abc   #hunter2#hunter2")[0].startswith(cut)
    (line,) = found(block % "abc # hunter2, of old")
    assert line.startswith("f:6:17: warning: mailboxes.m.imap.password: YAML ends the secret")
    for good in (
        "abc#hunter2",
        '"abc"  #hunter2',
        "'abc #hunter2'",
        "abc\n# hunter2",
        "abc\n      # hunter2",
    ):
        assert found(block % good) == []


def test_a_pattern_is_no_target_of_a_probe() -> None:
    text = SENDER % "mx: {}" + 'probes: [{name: p, module: a, target: "*@d.example"}]\n'
    (line,) = found(text)
    assert "warning: probes[0].target: is one target, and * is not a wildcard here" in line


def test_options_of_tls_without_tls_are_a_warning(tmp_path: Path) -> None:
    (line,) = found(MAILBOX % "imap: {host: h, tls: none, verify: false, server_name: x}")
    assert (
        line
        == "f:2:42: warning: mailboxes.m.imap.verify: verify, server_name: no effect with tls: none"
    )


@pytest.mark.parametrize("version", ["TLS10", "TLS11"])
def test_old_tls_is_a_warning(version: str) -> None:
    (line,) = found(MAILBOX % f"imap: {{host: h, {LOGIN}, tls_min_version: {version}}}")
    assert f"warning: mailboxes.m.imap.tls_min_version: {version} is insecure (RFC 8996)" in line
    assert found(MAILBOX % f"imap: {{host: h, {LOGIN}, tls_min_version: TLS12}}") == []


@pytest.mark.parametrize("value", ['"{file: /run/x}"', "'{ env: X }'", "$TOKEN", "${TOKEN}"])
def test_a_header_that_looks_like_a_reference_is_a_warning(value: str) -> None:
    headers = f"headers: {{X-Team: {value}, X-Other: mail}}" if not value.startswith("$") else ""
    headers = headers or f"headers: {{X-Team: '{value}', X-Other: mail}}"
    (line,) = found(SENDER.replace("mailbox: m,", f"mailbox: m, {headers},") % "smtp: {host: h}")
    assert (
        "headers.X-Team: is used literally: the value of a header is never read from a file" in line
    )
    assert "warning" in line


@pytest.mark.parametrize("kind", ["file", "env"])
def test_a_header_cannot_be_a_reference(kind: str) -> None:
    text = (
        SENDER.replace("mailbox: m,", f"mailbox: m, headers: {{X-Team: {{{kind}: X}}}},")
        % "smtp: {host: h}"
    )
    with pytest.raises(Mistakes) as caught:
        found(text)
    assert (
        "headers.X-Team: a header value must be text: {file: PATH} and {env: NAME} work only for"
        in str(caught.value)
    )
