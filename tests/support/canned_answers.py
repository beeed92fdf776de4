"""A server that is none of ours, or an odd one: it answers everything with the same."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


class _Canned(BaseHTTPRequestHandler):
    status, location, body, date = 200, "", b"", ""
    logins: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        self.logins.append(self.headers.get("Authorization", ""))
        self.send_response_only(self.status)
        if self.date:
            self.send_header("Date", self.date)
        if self.location:
            self.send_header("Location", self.location)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def hostile(
    body: object = "", status: int = 200, location: str = "", date: str = ""
) -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything with the same: its address, and the logins that it gets."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answers = {"status": status, "location": location, "body": raw, "logins": [], "date": date}
    server = HTTPServer(("127.0.0.1", 0), type("Made", (_Canned,), answers))
    threading.Thread(target=server.serve_forever, args=(0.002,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", answers["logins"]  # type: ignore[misc]
    finally:
        server.shutdown()
        server.server_close()
