"""What strangers can do by HTTP."""

import contextlib
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest

from tests.security.conftest import Start
from tests.support.mailtrip_process import Exporter
from tests.support.recording_peers import Listener

pytestmark = pytest.mark.slow

Listening = Callable[..., Listener]

CONFIGURATION = """
modules:
  open:
    targets: ["*@lab.test"]
    roundtrip:
      from: probe@lab.test
      send: {{smtp: {{host: 127.0.0.1, port: {port}, tls: none}}}}
      expect: {{code: 554}}
  relays:
    targets: ["127.0.0.3"]
    roundtrip:
      from: probe@lab.test
      to: probe@lab.test
      send: {{smtp: {{host: "{{target}}", port: {port}, tls: none, username: me,
          password: hunter2}}}}
      expect: {{code: 554}}
"""
ADMIN_API = "--web.enable-admin-api"
EVIL = "554 <script>alert(1)</script>\"'&\rmailtrip_evil 1\x1b[31m"


def fetch(
    exporter: Exporter, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], str]:
    """The status, the headers and the text of an answer, whatever it is."""
    request = urllib.request.Request(
        f"http://{exporter.address}{path}", method=method, headers=headers
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, dict(refusal.headers), refusal.read().decode()


def probe(exporter: Exporter, module: str, target: str, more: str = "") -> tuple[int, str]:
    query = urllib.parse.urlencode({"module": module, "target": target})
    status, _, text = fetch(exporter, f"/probe?{query}{more}")
    return status, text


def say(exporter: Exporter, request: bytes) -> bytes:
    """What is answered to these bytes."""
    host, _, port = exporter.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        answer = b""
        with contextlib.suppress(ConnectionError):  # it may be cut while we are still talking
            client.sendall(request)
            while chunk := client.recv(65536):
                answer += chunk
        return answer


def test_strangers(start: Start, listener: Listening) -> None:
    """`/probe` answers 403 for a target that neither `targets` nor `probes` allow, and sends
    nothing to it."""
    server = listener()
    exporter = start(CONFIGURATION.format(port=server.port))
    for target in ("you@example.com", "a@lab.test.example.com", "a@xlab.test", "a@sub.lab.test"):
        assert probe(exporter, "open", target)[0] == 403, target
        assert probe(exporter, "open", target, "&debug=true")[0] == 403, target
    assert server.visits == 0


def test_disguised_strangers(start: Start, listener: Listening) -> None:
    """A target that is not a valid address, such as one with a line break, a second address or
    a source route, is refused, whatever the patterns in `targets` say."""
    server = listener()
    exporter = start(CONFIGURATION.format(port=server.port))
    for target in (
        "you@example.com\r\nRCPT TO:<a@lab.test",
        "you@example.com>\nx@lab.test",
        "you@example.com,a@lab.test",
        "you@example.com a@lab.test",
        "you@example.com>,<a@lab.test",
        "@example.com:a@lab.test",
        "you%example.com@lab.test",
        "example.com!you@lab.test",
        '"you@example.com"@lab.test',
        "you@example.com\0@lab.test",
        "you@example.com@lab.test",
        "(comment)a@lab.test",
        "a@lab.test\u2028",
        "-oQ/tmp@lab.test\t",
    ):
        assert probe(exporter, "open", target)[0] in (400, 403), target
    assert server.visits == 0
    assert probe(exporter, "open", "a@lab.test")[0] == 200  # so that it was not for another reason
    assert server.visits == 1


def test_hosts_of_strangers(start: Start, listener: Listening) -> None:
    """If the target is the server, mailtrip connects only to allowed targets, so that an
    attacker cannot have a module's password sent to their own host."""
    server = listener()
    exporter = start(CONFIGURATION.format(port=server.port))
    for target in (
        "127.0.0.1",
        "localhost",
        "127.0.0.3@127.0.0.1",
        "127.0.0.1#127.0.0.3",
        "2130706433",
        "127.1",
        "::1",
    ):
        assert probe(exporter, "relays", target)[0] in (400, 403), target
    assert server.visits == 0
    assert b"hunter2" not in bytes(server.heard)


def test_logins(
    start: Start, listener: Listening, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With `basic_auth_users`, every request needs the password, even `/-/healthy` and `POST
    /-/reload`."""
    secret = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()
    file = tmp_path_factory.mktemp("web") / "web.yml"
    file.write_text("http_server_config: {}\n")
    exporter = start(CONFIGURATION.format(port=1), "--web.config.file", str(file))
    file.write_text(f"basic_auth_users: {{prometheus: {secret}}}\n")
    wrong = {"Authorization": "Basic cHJvbWV0aGV1czp3cm9uZw=="}
    for path in (
        "/",
        "/metrics",
        "/probe",
        "/trips",
        "/style.css",
        "/icon.svg",
        "/config",
        "/sd",
        "/-/healthy",
        "/-/ready",
        "/nowhere",
        "/outages",
        "/report",
        "/mailboxes/x",
        "/blocklists/x",
        "/api/v1/probes",
        "/api/v1/openapi.json",
    ):
        for headers in ({}, wrong):
            assert fetch(exporter, path, **headers)[0] == 401, path
    for path in ("/-/reload", "/trips", "/api/v1/trips", "/api/v1/maintenance"):
        assert fetch(exporter, path, "POST")[0] == 401
    right = {"Authorization": "Basic cHJvbWV0aGV1czpjb3JyZWN0IGhvcnNl"}
    assert fetch(exporter, "/-/healthy", **right)[0] == 200


def test_methods(start: Start, listener: Listening) -> None:
    """Every path accepts only GET and HEAD, except `/-/reload`, which accepts only POST, and those
    that `--web.enable-admin-api` opens: without it, POST and DELETE are refused there with 403."""
    server = listener()
    exporter = start(CONFIGURATION.format(port=server.port))
    for path in (
        "/",
        "/metrics",
        "/probe?module=open&target=a@lab.test",
        "/trips",
        "/outages",
        "/report",
        "/mailboxes/x",
        "/blocklists/x",
        "/style.css",
        "/-/healthy",
        "/api/v1/probes",
        "/api/v1/trips",
        "/api/v1/maintenance",
    ):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            opened = method == "POST" and path.endswith(("/trips", "/maintenance"))
            assert fetch(exporter, path, method)[0] == (403 if opened else 405), (method, path)
    assert fetch(exporter, "/api/v1/maintenance/x", "DELETE")[0] == 403
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert fetch(exporter, "/-/reload", method)[0] == 405, method
    assert server.visits == 0
    assert fetch(exporter, "/-/reload", "POST")[0] == 200


@pytest.mark.usefixtures("servers")
def test_other_users(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Unix socket `api.sock`, at which mailtrip makes trips for `mailtrip probe` without a
    login, accepts connections only of its own user and of root, from its first moment on, also in a
    directory that others can enter."""
    call = ("curl", "--silent", "--unix-socket")
    another: tuple[str, ...] = ("setpriv", "--reuid=nobody", "--clear-groups")
    if os.geteuid():
        another = ("sudo", "-n", "-u", "nobody")
    modes, over = set[int](), threading.Event()
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        path = Path(directory) / "api.sock"

        def watch() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError):
                    modes.add(path.stat().st_mode & 0o777)

        watching = threading.Thread(target=watch)
        watching.start()
        umask = os.umask(0)
        try:
            Path(directory).chmod(0o777)
            monkeypatch.setenv("RUNTIME_DIRECTORY", directory)
            start(CONFIGURATION.format(port=1))
        finally:
            os.umask(umask)
            over.set()
            watching.join()
        assert modes == {0o600}
        asked = (*call, str(path), "http://localhost/-/healthy")
        assert subprocess.run(asked, capture_output=True).stdout == b"mailtrip is up\n"
        refused = subprocess.run([*another, *asked], capture_output=True)
        assert (refused.returncode, refused.stdout) == (7, b"")


def test_looking(start: Start, listener: Listening) -> None:
    """Reading changes nothing: pages, `debug=true` and HEAD requests send no message and create
    no probe, so they do not count towards `--web.max-targets`; only a GET of `/probe` without
    `debug=true` does."""
    server = listener()
    exporter = start(CONFIGURATION.format(port=server.port), "--web.max-targets", "1")
    for number in range(5):
        for path in (
            "/trips?",
            "/probe?debug=true&",
            "/probe?debug=1&",
            "/probe?debug=&debug=True&",
        ):
            for method in ("GET", "HEAD"):
                status, _, text = fetch(
                    exporter, f"{path}module=open&target=a{number}@lab.test", method
                )
                assert status == 200, (path, method)
                assert method == "HEAD" or f"a{number}@lab.test" in text
        assert fetch(exporter, f"/probe?module=open&target=a{number}@lab.test", "HEAD")[0] == 200
        for path in ("/api/v1/trips", "/api/v1/outages", "/outages"):
            query = f"?module=open&target=a{number}@lab.test"
            assert fetch(exporter, path + query)[0] == 200
    for path in ("/", "/metrics", "/sd", "/config", "/-/healthy", "/-/ready", "/style.css"):
        assert fetch(exporter, path, "HEAD")[0] == fetch(exporter, path)[0] == 200
    assert "lab.test" not in exporter.get("/")
    assert server.visits == 0
    assert probe(exporter, "open", "b@lab.test")[0] == 200
    assert probe(exporter, "open", "c@lab.test")[0] == 429
    assert fetch(exporter, "/trips?module=open&target=c@lab.test")[0] == 200
    assert server.visits == 1


def test_foreign_pages(start: Start, listener: Listening) -> None:
    """Cross-site requests of a browser (a foreign `Origin` or `Referer`, or a `Sec-Fetch-Site`
    other than same-origin or none) are refused with 403 if they change something or send a
    message: `POST /-/reload`, `POST /trips`, `POST /lookup`, `/probe`, and POST and DELETE below
    `/api/v1`."""
    server = listener()
    exporter = start(CONFIGURATION.format(port=server.port), ADMIN_API)
    ours = f"http://{exporter.address}"
    for headers in (
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": ours, "Sec-Fetch-Site": "cross-site"},
        {"Referer": "http://evil.test/a/page"},
    ):
        paths = ["/-/reload", "/trips", "/lookup"]
        paths += [f"/api/v1/{one}" for one in ("trips", "maintenance", "blocklists/lookups")]
        for path in paths:
            assert fetch(exporter, path, "POST", **headers)[0] == 403, (path, headers)
        assert fetch(exporter, "/api/v1/maintenance/x", "DELETE", **headers)[0] == 403, headers
        assert fetch(exporter, "/probe?module=open&target=a@lab.test", **headers)[0] == 403, headers
    assert server.visits == 0
    assert (
        fetch(exporter, "/-/reload", "POST", **{"Origin": ours, "Sec-Fetch-Site": "same-origin"})[0]
        == 200
    )
    assert fetch(exporter, "/-/reload", "POST")[0] == 200


def test_many_requests(start: Start, listener: Listening) -> None:
    """However many requests arrive, a probe starts at most one trip in each `gap` of its sender,
    and at most one in each second."""
    server = listener()
    exporter = start(CONFIGURATION.format(port=server.port), ADMIN_API)
    began, answers = time.monotonic(), []
    for _ in range(100):
        request = urllib.request.Request(
            f"http://{exporter.address}/api/v1/trips", b"module=open&target=a@lab.test"
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            answers.append(answer.status)
    assert 1 <= answers.count(202) <= 1 + (time.monotonic() - began)
    assert server.visits <= answers.count(202)


def test_rebinding(start: Start) -> None:
    """Requests with a foreign host name are refused (421), so that no page can read mailtrip by DNS
    rebinding. mailtrip accepts IP addresses, single words, private names, the name of its machine,
    and the names in the listen addresses, `--web.external-url` and `--web.allowed-host`."""
    exporter = start(CONFIGURATION.format(port=1), "--web.allowed-host", "mine.example.org")
    for host in (
        "evil.test",
        "evil.test:10925",
        "mine.example.org.evil.test",
        "127.0.0.1.evil.test",
        "a@evil.test",
    ):
        for path in (
            "/",
            "/config",
            "/metrics",
            "/sd",
            "/trips",
            "/probe?module=open&target=a@lab.test",
            "/-/healthy",
        ):
            status, _, text = fetch(exporter, path, Host=host)
            assert status == 421, (host, path)
            assert "--web.allowed-host" in text
    absolute = say(
        exporter,
        b"GET http://evil.test/config HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    assert absolute[9:12] == b"421"
    for host in (
        exporter.address,
        "localhost",
        "mailtrip:10925",
        "mailtrip.mail.svc",
        "Mine.example.org",
        "[::1]:1",
    ):
        assert fetch(exporter, "/sd", Host=host)[0] == 200, host


def test_files(start: Start) -> None:
    """No path gives access to a file, however it is written, and a trip is found only by its ID of
    14 hexadecimal digits."""
    exporter = start(CONFIGURATION.format(port=1))
    ups = (
        "../",
        "%2e%2e/",
        "..%2f",
        "%2e%2e%2f",
        "..%5c",
        "....//",
        "..%c0%af",
        "%252e%252e%252f",
        "%00/../",
    )
    for up in ups:
        for root in (
            "/",
            "/trips/",
            "/trips/0123456789abcd/",
            "/mailboxes/",
            "/blocklists/",
            "/static/",
            "/style.css/",
        ):
            for file in (
                "etc/passwd",
                "mailtrip.yml",
                "state/token.key",
                "templates/base.html",
                "etc/passwd%00",
            ):
                path = f"{root}{up * 8}{file}"
                answer = say(
                    exporter,
                    f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(),
                )
                assert re.match(rb"HTTP/1.. (400|404) ", answer), (root, up, file, answer)
                assert not re.search(rb"root:|modules:|hunter2|{%", answer)
    for trip in (
        "0123456789abcd%00",
        "0123456789abcd%0a",
        "0123456789ABCD",
        "0123456789abc",
        "0123456789abcde",
        "%2e",
    ):
        assert fetch(exporter, f"/trips/{trip}")[0] == 404, trip


def test_many_targets(start: Start, listener: Listening) -> None:
    """At most `--web.max-targets` probes are kept; for one more the answer is 429."""
    exporter = start(CONFIGURATION.format(port=listener().port), "--web.max-targets", "3")
    statuses = [probe(exporter, "open", f"a{number}@lab.test")[0] for number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def shown(start: Start, listener: Listening) -> Exporter:
    """A mailtrip that has been told evil words by a server."""
    server = listener(f"220 {EVIL}", {"EHLO": f"250 {EVIL}", "RCPT": EVIL.replace("554", "550")})
    exporter = start(CONFIGURATION.format(port=server.port))
    assert 'reason="rejected"' in probe(exporter, "open", "a@lab.test")[1]
    return exporter


def test_markup(start: Start, listener: Listening) -> None:
    """Text from a server never becomes markup on a page; pages run no script, load nothing from
    other sites and cannot be framed."""
    exporter = shown(start, listener)
    overview = exporter.get("/")
    (trip,) = set(re.findall(r'href="(trips/[0-9a-f]{14})"', overview))
    for path in ("/", f"/{trip}", "/trips?module=open&target=a@lab.test"):
        status, headers, page = fetch(exporter, path)
        assert status == 200
        assert "alert(1)" in page
        # A link is followed by a person; a browser loads nothing for it.
        loaded = re.sub(r'<a href="https?://[^"]*"', "<a", page)
        assert not re.search(
            r"<script|<iframe|<img|<object|<link[^>]*https?:|\son\w+=|javascript:|=\"?https?://",
            loaded,
        )
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    status, headers, page = fetch(exporter, "/probe?module=open&target=a@lab.test&debug=true")
    assert "alert(1)" in page
    assert headers["Content-Type"].startswith("text/plain")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_series(start: Start, listener: Listening) -> None:
    """Text from a server never becomes a series, or a separate line, on `/metrics` or `/probe`."""
    exporter = shown(start, listener)
    for path in ("/metrics", "/probe?module=open&target=a@lab.test"):
        page = exporter.get(path)
        assert "evil" not in page
        assert "alert" not in page
        for line in page.splitlines():
            assert re.match(r"# (HELP|TYPE) |[a-z_]+(\{.*\})? [-+.0-9eInfNa]+$", line), line
