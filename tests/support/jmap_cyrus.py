"""A real Cyrus with JMAP, LMTP and submission, on loopback: its own master, in a directory of its
own.

It has every user that is delivered to, with the lab's password, and knows bearer tokens that are
signed with `KEY`. Debian builds it without WebSocket, so it offers no events: it answers 204.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha1
from http.client import HTTPSConnection
from itertools import count
from pathlib import Path
from smtplib import LMTP
from tempfile import mkdtemp
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.lab.facts import PASSWORD
from tests.lab.shell import wait_until
from tests.support.identity_provider import KEY
from tests.support.ports import free_port
from tests.support.smtp_witness import Received

HOST = "127.0.0.1"
NAME = "jmap.lab.test"
USING = [f"urn:ietf:params:jmap:{name}" for name in ("core", "mail", "submission")]
AT_ONCE = 500  # messages that are made with one call
_BINARIES = Path("/usr/lib/cyrus/bin")
_START = 20.0  # seconds
_CONFIGURATION = """\
configdirectory: {home}/conf
defaultpartition: default
partition-default: {home}/spool
admins: cyrus
servername: {name}
altnamespace: yes
unixhierarchysep: yes
virtdomains: off
sasl_mech_list: PLAIN
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {home}/run/passwords
tls_server_cert: {home}/certificate.pem
tls_server_key: {home}/key.pem
httpmodules: jmap
http_jwt_key_dir: {home}/keys
httptimeout: 1
conversations: yes
conversations_db: twoskip
duplicatesuppression: no
autocreate_quota: 0
autocreate_post: yes
autocreate_inbox_folders: Drafts | Sent | Junk
xlist-drafts: Drafts
xlist-sent: Sent
xlist-junk: Junk
specialusealways: yes
smtp_backend: host
smtp_host: {host}:{smtp}
lmtpsocket: {home}/run/lmtp
notifysocket: {home}/run/notify
idlesocket: {home}/run/idle
proc_path: {home}/run/proc
mboxname_lockpath: {home}/run/lock
"""
_SERVICES = """\
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {home}/imapd.conf -r"
}}
SERVICES {{
  http cmd="{bin}/httpd -s -C {home}/imapd.conf" listen="{host}:{http}" prefork=1 maxchild=20
  lmtp cmd="{bin}/lmtpd -a -C {home}/imapd.conf" listen="{host}:{lmtp}" prefork=1 maxchild=20
}}
EVENTS {{
}}
"""


class JmapCyrus:
    """It runs. Mail that is submitted goes to port `smtp`, where a test may listen."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.http, self.lmtp, self.smtp = free_port(), free_port(), free_port()
        self.url = f"https://{HOST}:{self.http}"
        self.ca = home / "ca.pem"
        self._users = count(1)

    def user(self) -> "CyrusUser":
        """Somebody with empty mailboxes."""
        return CyrusUser(self, f"user{next(self._users)}")

    def tls(self) -> ssl.SSLContext:
        """For another server, with the same certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.home / "certificate.pem", self.home / "key.pem")
        return context

    def options(self, user: str, **more: Any) -> dict[str, Any]:
        """Those of a client."""
        return {
            "url": self.url,
            "username": user,
            "password": PASSWORD,
            "ca_file": str(self.ca),
            **more,
        }


class CyrusUser:
    """What is really in somebody's mailboxes, told by a client of the tests' own."""

    def __init__(self, cyrus: JmapCyrus, name: str) -> None:
        self.cyrus = cyrus
        self.name = name
        self._files: dict[str, Path] = {}

    def deliver(self, *messages: bytes) -> None:
        """Each in a session of its own, whose name Cyrus adds: copies with the same content are one
        message to it."""
        for message in messages:
            with LMTP(HOST, self.cyrus.lmtp, local_hostname="test.lab.test") as client:
                client.sendmail("someone@lab.test", [self.name], message)

    def fill(self, messages: int) -> None:
        """Makes messages of others, some of them read and flagged."""
        inbox = self.mailboxes()["inbox"]
        kinds: list[list[str]] = [[], ["$seen"], ["$seen", "$flagged"], ["$answered"]]
        for start in range(0, messages, AT_ONCE):
            new = {
                f"m{number}": {
                    "mailboxIds": {inbox: True},
                    "keywords": dict.fromkeys(kinds[number % len(kinds)], True),
                    "subject": f"number {number}",
                    "from": [{"email": "someone@lab.test"}],
                    "bodyValues": {"text": {"value": "Hello."}},
                    "textBody": [{"partId": "text", "type": "text/plain"}],
                }
                for number in range(start, min(start + AT_ONCE, messages))
            }
            assert len(self.call("Email/set", create=new)["created"]) == len(new)

    def store(self, folder: str, *messages: bytes) -> None:
        """Puts messages into the mailbox with this role."""
        for message in messages:
            blob = self._request("POST", f"/jmap/upload/{self.name}/", message)["blobId"]
            new = {"blobId": blob, "mailboxIds": {self.mailboxes()[folder]: True}, "keywords": {}}
            assert self.call("Email/import", emails={"m": new})["created"]

    def mailboxes(self) -> dict[str, str]:
        """The ids, by role."""
        return {one["role"]: one["id"] for one in self.call("Mailbox/get")["list"]}

    def emails(self) -> list[dict[str, Any]]:
        ids = self.call("Email/query", limit=4000)["ids"]
        return list(
            self.call("Email/get", ids=ids, properties=["id", "blobId", "mailboxIds", "keywords"])[
                "list"
            ]
        )

    def content(self, blob: str) -> tuple[Path, bytes]:
        """The file of a message: the id of a blob has the SHA-1 of its content."""
        if blob not in self._files:
            for file in self.cyrus.home.glob("spool/uuid/*/*/*/[0-9]*."):
                self._files[f"G{sha1(file.read_bytes()).hexdigest()}"] = file
        return self._files[blob], self._files[blob].read_bytes()

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        calls = [[method, {"accountId": self.name, **arguments}, "0"]]
        body = json.dumps({"using": USING, "methodCalls": calls}).encode()
        ((name, answer, _), *_) = self._request("POST", "/jmap/", body)["methodResponses"]
        assert name == method, answer
        return dict(answer)

    def _request(self, method: str, path: str, body: bytes) -> Any:
        trust = ssl.create_default_context(cafile=str(self.cyrus.ca))
        login = b64encode(f"{self.name}:{PASSWORD}".encode()).decode()
        kind = "application/json" if path == "/jmap/" else "message/rfc822"
        server = HTTPSConnection(HOST, self.cyrus.http, context=trust, timeout=20)
        try:
            headers = {"Authorization": f"Basic {login}", "Content-Type": kind}
            server.request(method, path, body, headers)
            return json.loads(server.getresponse().read())
        finally:
            server.close()


@contextmanager
def running_jmap_cyrus() -> Iterator[JmapCyrus]:
    """Starts and stops it, as root."""
    # In memory, since Cyrus waits for the disk several times for each message; and not in the
    # directory of the tests, which only root may enter.
    home = Path(mkdtemp(prefix="mailtrip-jmap-", dir="/dev/shm"))
    try:
        cyrus = JmapCyrus(home)
        _configure(cyrus)
        with _passwords(home / "run/passwords"), _master(cyrus):
            yield cyrus
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _configure(cyrus: JmapCyrus) -> None:
    home = cyrus.home
    for name in ("conf/db", "conf/socket", "spool", "run/proc", "run/lock", "keys"):
        (home / name).mkdir(parents=True)
    authority = trustme.CA()
    server = authority.issue_cert(HOST, NAME)
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    server.cert_chain_pems[0].write_to_path(str(home / "certificate.pem"))
    server.private_key_pem.write_to_path(str(home / "key.pem"))
    secret = b64encode(KEY.raw_value).decode()
    key = f"-----BEGIN HMAC KEY-----\n{secret}\n-----END HMAC KEY-----\n"
    (home / "keys/key.pem").write_text(key)
    facts = {
        "home": home,
        "bin": _BINARIES,
        "name": NAME,
        "host": HOST,
        "http": cyrus.http,
        "lmtp": cyrus.lmtp,
        "smtp": cyrus.smtp,
    }
    (home / "imapd.conf").write_text(_CONFIGURATION.format(**facts))
    (home / "cyrus.conf").write_text(_SERVICES.format(**facts))
    for path in (home, *home.rglob("*")):
        shutil.chown(path, "cyrus", "mail")
        path.chmod(0o755 if path.is_dir() else 0o644)


@contextmanager
def _master(cyrus: JmapCyrus) -> Iterator[None]:
    home = cyrus.home
    command = ["cyrmaster", "-D", "-C", f"{home}/imapd.conf", "-M", f"{home}/cyrus.conf"]
    with (home / "log").open("wb") as log:
        master = subprocess.Popen(
            [*command, "-p", f"{home}/pid"], stdout=log, stderr=log, start_new_session=True
        )
    try:
        ports = (cyrus.http, cyrus.lmtp)
        assert wait_until(lambda: all(map(_listens, ports)), _START), (home / "log").read_text()
        yield
    finally:
        master.terminate()
        try:
            master.wait(10)
        except subprocess.TimeoutExpired:
            master.kill()
            master.wait()
        with suppress(ProcessLookupError):
            os.killpg(master.pid, signal.SIGKILL)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


@contextmanager
def _passwords(path: Path) -> Iterator[None]:
    """Answers what Cyrus asks about passwords, in the protocol of saslauthd(8)."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0o777)
        server.listen(50)
        thread = threading.Thread(target=_judge, args=[server], daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _judge(server: socket.socket) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client, client.makefile("rb") as said:
            words = [said.read(struct.unpack(">H", said.read(2))[0]) for _ in range(4)]
            verdict = b"OK" if words[1] == PASSWORD.encode() else b"NO"
            client.sendall(struct.pack(">H", len(verdict)) + verdict)


class Relay:
    """The mail server behind Cyrus: it delivers what it takes to the users of Cyrus."""

    def __init__(self, cyrus: JmapCyrus) -> None:
        self.received: list[Received] = []
        self._cyrus = cyrus

    async def handle_RCPT(  # noqa: N802
        self, server: object, session: object, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("unknown@"):
            return "550 5.1.1 no such user"
        if address.startswith("later@"):
            return "451 4.2.0 later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802
        self, server: object, session: object, envelope: Envelope
    ) -> str:
        raw = envelope.original_content or b""
        recipients = tuple(envelope.rcpt_tos)
        self.received.append(Received(envelope.mail_from or "", recipients, raw))
        for recipient in recipients:
            if recipient.endswith("@cyrus.test"):
                name = recipient.partition("@")[0]
                await asyncio.to_thread(CyrusUser(self._cyrus, name).deliver, raw)
        return "250 2.0.0 Ok: queued as 4711"


@contextmanager
def relaying(cyrus: JmapCyrus) -> Iterator[Relay]:
    relay = Relay(cyrus)
    controller = Controller(relay, hostname=HOST, port=cyrus.smtp, data_size_limit=1 << 24)
    controller.start()
    try:
        yield relay
    finally:
        controller.stop()
