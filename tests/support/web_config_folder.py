"""A folder with a web configuration file and the certificates that it names."""

import ssl
from pathlib import Path
from textwrap import dedent

import bcrypt
import trustme

from exporter.web.basic_auth import BasicAuth
from exporter.web.middleware import Middleware
from exporter.web.web_config import WebConfigFile

NAME = "mailtrip.test"
PASSWORD = "correct horse"
# The same in every process.
HASH = bcrypt.hashpw(PASSWORD.encode(), b"$2b$04$abcdefghijklmnopqrstuu").decode()

TLS = """\
tls_server_config:
  cert_file: server.crt
  key_file: server.key
"""
USERS = f"""\
basic_auth_users:
  alice: {HASH}
"""
CLIENTS = """\
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: clients.crt
"""


class Folder:
    """`write` makes the file; the certificates are there from the start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "web.yml"
        self.authority, self.authority_of_clients = trustme.CA(), trustme.CA()
        self.authority.cert_pem.write_to_path(path / "ca.crt")
        self.authority_of_clients.cert_pem.write_to_path(path / "clients.crt")
        self.issue(NAME)

    def issue(self, name: str) -> None:
        """A certificate for our server, in place of the one before."""
        issued = self.authority.issue_cert(name, "127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(self.path / "server.crt")
        issued.private_key_pem.write_to_path(self.path / "server.key")

    def write(self, text: str) -> str:
        self.file.write_text(dedent(text))
        return str(self.file)

    def middleware(self, text: str, login: BasicAuth | None = None) -> Middleware:
        return Middleware(WebConfigFile(self.write(text)), login)

    def client(self, *names: str, authority: trustme.CA | None = None) -> ssl.SSLContext:
        """A client's context, with a certificate of its own if there are names for it."""
        context = ssl.create_default_context(cadata=self.authority.cert_pem.bytes().decode())
        if names:
            (authority or self.authority_of_clients).issue_cert(*names).configure_cert(context)
        return context
