"""The web configuration file: what is taken, what is a mistake, and what Prometheus' own promtool
says of it."""

import re
import subprocess
from pathlib import Path

import pytest

from docs import web
from exporter.config.mistakes import Mistakes
from exporter.web.web_config import load_web_options
from tests.support.web_config_folder import CLIENTS, HASH, TLS, USERS, Folder

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/web.yml"


def headers(text: str) -> str:
    return f"http_server_config: {{headers: {{{text}}}}}"


MISTAKES = [
    ("tls_server_config: {}", "1:20: tls_server_config: cert_file is missing", False),
    ("tls_server_config: {}", "1:20: tls_server_config: key_file is missing", False),
    (
        TLS.replace("key_file", "keyfile"),
        "3:3: tls_server_config.keyfile: unknown key; did you mean key_file?",
        True,
    ),
    (
        TLS.replace("server.crt", "x"),
        "2:14: tls_server_config.cert_file: DIR/x cannot be read: No such file or",
        True,
    ),
    (
        TLS.replace("server.key", "x"),
        "3:13: tls_server_config.key_file: DIR/x cannot be read: No such file or",
        True,
    ),
    (
        TLS.replace("server.key", "ca.crt"),
        "2:14: tls_server_config.cert_file: cannot use DIR/server.crt with",
        True,
    ),
    (
        TLS + "  client_ca_file: ca.crt",
        "2:3: tls_server_config: client_ca_file has no effect without client_a",
        True,
    ),
    (
        TLS + "  client_allowed_sans: [a]",
        "2:3: tls_server_config: client_allowed_sans has no effect without",
        None,
    ),
    (
        TLS + "  client_auth_type: RequireAndVerifyClientCert",
        "2:3: tls_server_config: client_ca_file is missing",
        False,
    ),
    (
        TLS + "  client_auth_type: RequireAnyClientCert",
        "client_auth_type: accepts any certificate, which proves",
        False,
    ),
    (
        TLS + "  client_auth_type: RequestClientCert",
        "4:21: tls_server_config.client_auth_type: accepts any certi",
        False,
    ),
    (
        TLS + "  client_auth_type: Always",
        "client_auth_type: must be one of NoClientCert, VerifyClientCertIfGiven",
        True,
    ),
    (
        TLS + CLIENTS.replace("clients.crt", "x"),
        "5:19: tls_server_config.client_ca_file: DIR/x cannot be read",
        True,
    ),
    (
        TLS + CLIENTS.replace("clients.crt", "server.key"),
        "client_ca_file: cannot use DIR/server.key: it contains no",
        False,
    ),
    (
        TLS + "  min_version: TLS11",
        "4:16: tls_server_config.min_version: is insecure and not supported",
        False,
    ),
    (
        TLS + "  min_version: TLS14",
        "4:16: tls_server_config.min_version: must be one of TLS12, TLS13",
        True,
    ),
    (
        TLS + "  min_version: TLS13\n  max_version: TLS12",
        "2:3: tls_server_config: min_version is newer than max",
        False,
    ),
    (
        TLS + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]",
        "4:19: tls_server_config.cipher_suites[0]: not a supported cipher",
        True,
    ),
    (
        TLS + "  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]",
        "cipher_suites contains none for TLS 1.2",
        False,
    ),
    (
        TLS + "  curve_preferences: [CurveP257]",
        "[0]: not a supported curve; supported: CurveP256, CurveP384",
        True,
    ),
    (
        TLS + "  curve_preferences: [X25519, CurveP256]",
        "Python supports only one curve here",
        False,
    ),
    (
        TLS + "  cert: |\n    -----BEGIN\n",
        "4:3: tls_server_config.cert: unknown key; did you mean cert_file?",
        None,
    ),
    (
        USERS.replace("alice", "a:b"),
        "2:3: basic_auth_users.a:b: not a user name: it must not be empty, and must",
        False,
    ),
    (USERS.replace("alice", '""'), "2:3: basic_auth_users.: must not be empty text", False),
    (
        USERS.replace("$2b$", "$2x$"),
        "2:10: basic_auth_users.alice: not a bcrypt hash; create one with: htpasswd",
        False,
    ),
    (
        "basic_auth_users: {alice: hunter2}",
        "1:27: basic_auth_users.alice: not a bcrypt hash; create one with",
        True,
    ),
    (
        "basic_auth_users: {alice: 12345}",
        "1:27: basic_auth_users.alice: must be text: put it in quotes",
        True,
    ),
    ("basic_auth_users: {}", "1:19: basic_auth_users: must have at least one entry", False),
    (
        USERS + "  alice: x",
        "3:3: basic_auth_users.alice: is defined twice, first in line 2: remove one",
        True,
    ),
    (
        headers("Server: x"),
        "1:32: http_server_config.headers.Server: unknown key; known: Content-Security-Po",
        True,
    ),
    (
        headers("X-Frame-Options: foo"),
        "1:49: http_server_config.headers.X-Frame-Options: must be one of deny,",
        True,
    ),
    (
        headers("X-Content-Type-Options: sniff"),
        "headers.X-Content-Type-Options: must be one of nosniff",
        True,
    ),
    (
        headers("X-XSS-Protection: é"),
        "http_server_config.headers.X-XSS-Protection: must be one line of ASCII",
        False,
    ),
    (
        "rate_limit: {interval: 1s}",
        "1:13: rate_limit.burst: must be at least 1: otherwise every request is",
        None,
    ),
    (
        "rate_limit: {interval: 1s, burst: 0}",
        "1:35: rate_limit.burst: must be at least 1: otherwise every request",
        None,
    ),
    (
        "rate_limit: {interval: 1, burst: 1}",
        "1:24: rate_limit.interval: not a duration; write numbers with",
        None,
    ),
    ("rate_limit: {burst: 5}", "1:13: rate_limit: interval is missing", None),
    (
        "tls_server_confg: {}",
        "1:1: tls_server_confg: unknown key; did you mean tls_server_config?",
        True,
    ),
    ("junk", "1:1: must be a mapping of keys to values, not text", True),
    ("", "1:1: this file contains no configuration", False),
]
"""A file, what is told of it, and whether promtool refuses it, too: None where Debian's is too old
for the key."""

GOOD = [
    TLS,
    TLS + CLIENTS,
    TLS + CLIENTS.replace("RequireAnd", "").replace("Cert\n", "CertIfGiven\n"),
    TLS + "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,"
    " TLS_AES_128_GCM_SHA256]",
    TLS
    + "  prefer_server_cipher_suites: false\n  min_version: TLS13\n  curve_preferences: [X25519]",
    USERS,
    USERS.replace("$2b$", "$2y$") + f"  bob@example.org: {HASH}",
    headers("Strict-Transport-Security: max-age=1, Content-Security-Policy: default-src 'self'"),
    "http_server_config: {http2: true}",
    (
        "http_server_config: {http2: false, headers: {X-Frame-Options: sameorigin,"
        " X-Content-Type-Options: nosniff}}"
    ),
]


@pytest.mark.parametrize(("text", "words", "refused"), MISTAKES)
def test_a_mistake_has_a_line_with_its_place_and_its_cure(
    text: str, words: str, refused: bool | None, folder: Folder, promtool: str
) -> None:
    path = folder.write(text)
    with pytest.raises(Mistakes) as mistakes:
        load_web_options(path)
    told = str(mistakes.value).replace(str(folder.path), "DIR")
    assert words in told
    assert all(line.startswith("DIR/web.yml:") for line in told.splitlines())
    assert "hunter2" not in told
    assert HASH not in told
    if refused is not None:
        assert (check(promtool, path).returncode != 0) is refused


@pytest.mark.parametrize("text", GOOD)
def test_what_promtool_takes_is_taken(text: str, folder: Folder, promtool: str) -> None:
    path = folder.write(text)
    assert check(promtool, path).returncode == 0
    load_web_options(path)


def test_the_example_is_good_also_with_what_is_commented_out(folder: Folder, promtool: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    path = folder.write(text)
    assert check(promtool, path).returncode == 0
    assert load_web_options(path).tls_server_config
    text, number = re.subn(r"(?m)^( *)# (?=[a-z_]+: \S)(?!.*[.]$)(?=client|rate)", r"\1", text)
    assert number == 4
    options = load_web_options(folder.write(text))
    assert options.rate_limit
    assert options.tls_server_config
    assert options.tls_server_config.client_allowed_sans == ["prometheus.example.org"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("100ms", 0.1),
        ("1m30s", 90),
        ("500us", 0.0005),
        ("1.5s", 1.5),
        ("'2h'", 7200),
    ],
)
def test_an_interval_is_read_as_go_reads_it(written: str, seconds: float, folder: Folder) -> None:
    limit = load_web_options(
        folder.write(f"rate_limit: {{interval: {written}, burst: 1}}")
    ).rate_limit
    assert limit
    assert limit.interval == pytest.approx(seconds)


def test_paths_are_as_seen_from_the_file(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write(TLS)
    monkeypatch.chdir(folder.path.parent)
    tls = load_web_options(f"{folder.path.name}/web.yml").tls_server_config
    assert tls
    assert tls.cert_file == f"{folder.path.name}/server.crt"
    folder.write(TLS.replace("server.key", str(folder.path / "server.key")))
    tls = load_web_options(str(folder.file)).tls_server_config
    assert tls
    assert tls.key_file == str(folder.path / "server.key")


def test_hashes_are_not_shown(folder: Folder) -> None:
    options = load_web_options(folder.write(USERS))
    assert HASH not in repr(options) + str(options.model_dump(mode="json"))


def test_the_page_is_made_from_the_models() -> None:
    assert web.PAGE.read_text(encoding="utf-8") == web.page(), (
        f"docs/web.md is stale: run {web.COMMAND}"
    )


def check(promtool: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([promtool, "check", "web-config", path], capture_output=True, text=True)
