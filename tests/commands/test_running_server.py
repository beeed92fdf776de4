"""What commands do with a server that is odd, hostile or no mailtrip: one clear line, in time."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from exporter.commands.exit_status import CannotStart
from exporter.commands.local_socket import socket_in
from exporter.commands.running_server import (
    MOST,
    Access,
    NoAnswer,
    RunningServer,
    local_address,
)
from tests.support.canned_answers import hostile

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that does this with its first connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            try:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(4096)
                    answer(connection)
            except OSError:
                pass  # the client has gone

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(10)


NOBODY = Access()


def refused(url: str, access: Access = NOBODY, limit: float = 30.0) -> str:
    """Why there is no answer."""
    with pytest.raises(NoAnswer) as ended:
        RunningServer(url, access, limit).request("GET", "/probes")
    text = str(ended.value)
    assert text.isprintable()
    return text


def drip(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(50):
        connection.sendall(b" ")
        time.sleep(0.05)


def drip_header(connection: socket.socket) -> None:
    for byte in HEAD * 3:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def continue_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def say_nothing(connection: socket.socket) -> None:
    connection.recv(1)


@pytest.mark.slow
@pytest.mark.parametrize("answer", [say_nothing, drip, drip_header])
def test_all_of_an_answer_has_one_time_limit(answer: Callable[[socket.socket], None]) -> None:
    began = time.monotonic()
    with answering(answer) as url:
        why = refused(url, limit=0.5)
        assert time.monotonic() - began < 2
    assert why == f"no mailtrip answers at {url} within 0.5 s; --url says where it is"


@pytest.mark.slow
def test_interim_responses_have_an_end() -> None:
    """From Python 3.14 on, its library limits them, too."""
    began = time.monotonic()
    with answering(continue_for_ever) as url:
        why = refused(url, limit=0.5)
        assert time.monotonic() - began < 2
    assert re.fullmatch(
        rf"no mailtrip answers at {url}( within 0.5 s|: got more than 100 interim responses);"
        " --url says where it is",
        why,
    )


def test_requests_share_their_time() -> None:
    with hostile({"items": []}) as (address, _):
        server = RunningServer(f"http://{address}", limit=0.05)
        time.sleep(0.06)
        with pytest.raises(NoAnswer, match=r"within 0.05 s"):
            server.request("GET", "/probes")


def endless(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"\r\n[")
    for _ in range(MOST // 50_000 + 10):
        connection.sendall(b"1," * 25_000)


def test_an_answer_without_end_is_not_kept() -> None:
    with answering(endless) as url:
        assert "it has more than 10 MiB" in refused(url)


def hang_up(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{}")


def smtp(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example.org ESMTP\r\n")


def headers(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"X: y\r\n" * 1000 + b"\r\n{}")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda connection: None, "Remote end closed connection without response"),
        (hang_up, "it is incomplete"),
        (smtp, "220 mail.example.org ESMTP"),
        (headers, "got more than 100 headers"),
    ],
)
def test_no_http_is_one_line(answer: Callable[[socket.socket], None], why: str) -> None:
    with answering(answer) as url:
        said = refused(url)
    assert said.startswith(f"no mailtrip answers at {url}: {why}")


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (404, b"<html>", "refused: 404 Not Found at http://%s: is this a mailtrip?"),
        (401, b"", "refused: 401 Unauthorized at http://%s: it needs --user and --password.file"),
        (503, {"error": "x", "message": "over\nloaded"}, "over loaded"),
        (
            500,
            b"[" * 100_000,
            "refused: 500 Internal Server Error at http://%s: is this a mailtrip?",
        ),
        (200, b"<html>", "no mailtrip answers at http://%s: another program does"),
        (
            200,
            b"[" * 100_000,
            "no mailtrip answers at http://%s: another program does",
        ),
        (
            200,
            b"9" * 10_000,
            "no mailtrip answers at http://%s: another program does",
        ),
        (200, b"\xff", "no mailtrip answers at http://%s: another program does"),
    ],
)
def test_an_answer_of_others_is_one_line(status: int, body: object, why: str) -> None:
    with hostile(body, status) as (address, _):
        assert refused(f"http://{address}").startswith(why.replace("%s", address))


OURS = b'{"items": [], "next": null}'


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b""),
        (403, b'{"error": "x", "message": "not without --web.enable-admin-api"}'),
        (404, b"<html>"),
        (200, b"<html>"),
    ],
)
def test_where_no_mailtrip_is_or_lets_us_in_another_address_is_taken(
    status: int, body: bytes
) -> None:
    with hostile(body, status) as (address, _), hostile(OURS) as (other, logins):
        server = RunningServer(f"http://{address}", NOBODY, instead=lambda: f"http://{other}")
        assert server.request("GET", "/probes") == {"items": [], "next": None}
        assert server.request("GET", "/probes") == {"items": [], "next": None}
        assert (server.address, len(logins)) == (f"http://{other}", 2)


def test_an_order_that_may_have_been_carried_out_is_not_given_to_another() -> None:
    with answering(smtp) as url, hostile(OURS) as (other, logins):
        server = RunningServer(url, NOBODY, instead=lambda: f"http://{other}")
        with pytest.raises(NoAnswer, match="no mailtrip answers at "):
            server.request("POST", "/maintenance", {"name": "move"})
    assert logins == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_nobody_listens_another_address_is_taken(method: str) -> None:
    with hostile(OURS) as (other, _):
        server = RunningServer("http://127.0.0.1:1", NOBODY, instead=lambda: f"http://{other}")
        assert server.request(method, "/maintenance", {"name": "move"}) is not None


def test_what_a_mailtrip_says_is_its_answer() -> None:
    def never() -> str:
        raise AssertionError

    with hostile({"error": "x", "message": "no window move"}, 404) as (address, _):
        server = RunningServer(f"http://{address}", NOBODY, instead=never)
        with pytest.raises(NoAnswer, match=r"\Ano window move\Z"):
            server.request("GET", "/probes")


def test_without_another_address_the_first_error_stands() -> None:
    server = RunningServer("http://127.0.0.1:1", NOBODY, instead=lambda: "")
    with pytest.raises(NoAnswer, match="127.0.0.1:1: Connection refused"):
        server.request("GET", "/probes")


def test_the_other_address_is_the_socket_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path := socket_in(tmp_path))
        listening.listen()
        assert local_address() == f"unix:{path}"


def test_https_where_there_is_none_is_said() -> None:
    with answering(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n")) as url:
        said = refused(url.replace("http:", "https:"))
    assert "it speaks no TLS; --url says where it is" in said


def test_a_name_that_cannot_exist_is_one_line() -> None:
    assert refused("http://a..b").startswith("no mailtrip answers at http://a..b: ")


def test_a_server_cannot_make_us_say_our_password(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    message = "Basic bWU6aHVudGVyMg== is hunter2"
    with hostile({"message": message}, 500) as (address, logins):
        access = Access(user="me", password_file=str(secret))
        assert refused(f"http://{address}", access) == "Basic <secret> is <secret>"
        assert refused(f"http://me:hunter2@{address}") == "Basic <secret> is <secret>"
        assert logins == ["Basic bWU6aHVudGVyMg=="] * 2


def test_the_time_is_that_of_the_server() -> None:
    with hostile([], date="Mon, 30 Nov 2026 02:53:20 GMT") as (address, _):
        server = RunningServer(f"http://{address}")
        assert abs(server.now - time.time()) < 1
        server.request("GET", "/probes")
        assert abs(server.now - 1_796_007_200) < 10
    for wrong in ("soon", "", "Mon, 30 Nov 99999 02:53:20 GMT"):
        with hostile([], date=wrong) as (address, _):
            server = RunningServer(f"http://{address}")
            server.request("GET", "/probes")
            assert abs(server.now - time.time()) < 1


@pytest.mark.parametrize("url", ["mail", "ftp://x", "http://", "http://x:port", "unix:", "unix://"])
def test_no_address_is_refused(url: str) -> None:
    with pytest.raises(CannotStart, match="--url is not the address of a mailtrip: write http"):
        RunningServer(url)


def test_what_is_missing_for_a_login_is_said(tmp_path: Path) -> None:
    empty, some = tmp_path / "empty", tmp_path / "some"
    empty.touch()
    some.write_text("secret")
    for access, why in (
        (Access(user="me"), "--user needs --password.file"),
        (Access(password_file=str(some)), "--password.file needs --user"),
        (Access(user="me", password_file=str(empty)), "the first line of .* is empty"),
        (Access(user="me", password_file=str(tmp_path / "gone")), "cannot read .*: No such file"),
    ):
        with pytest.raises(CannotStart, match=why):
            RunningServer("http://localhost", access)


def test_what_is_wrong_with_a_certificate_is_said(tmp_path: Path) -> None:
    ours, text = tmp_path / "ours.pem", tmp_path / "text"
    text.write_text("no certificate")
    made = trustme.CA().issue_cert("x.example")
    made.cert_chain_pems[0].write_to_path(ours)
    for access, why in (
        (Access(ca_file=str(tmp_path / "gone")), "cannot use .*/gone: No such file"),
        (Access(ca_file=str(text)), "cannot use .*/text: no certificate or crl found"),
        (Access(cert_file=str(ours)), "cannot use .*/ours.pem: "),
    ):
        with pytest.raises(CannotStart, match=why):
            RunningServer("https://localhost", access)
