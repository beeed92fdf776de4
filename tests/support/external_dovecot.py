"""A Dovecot where people log in by their certificates alone (SASL EXTERNAL), in a directory of its
own."""

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from tests.lab.configure import dovecot_version
from tests.lab.shell import wait_until
from tests.support.chains import CertifiedKey, issue, key_pem
from tests.support.ports import free_port

HOST, NAME = "127.0.0.1", "dovecot.lab.test"
USERS = ("probe", "other")
COMMON = """\
protocols = imap pop3
listen = {host}
base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/log
instance_name = mailtrip-{port}
auth_mechanisms = external
auth_failure_delay = 0
auth_ssl_username_from_cert = yes
{users}first_valid_uid = 1
ssl = required
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
OF_VERSION = {
    "2.3": """\
mail_location = maildir:~/Maildir
mail_uid = {uid}
mail_gid = {gid}
ssl_cert = <{directory}/server.crt
ssl_key = <{directory}/server.key
ssl_ca = <{directory}/ca.crt
ssl_verify_client_cert = yes
ssl_require_crl = no
ssl_cert_username_field = commonName
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = passwd-file
  args = {directory}/users
}}
""",
    "2.4": """\
mail_driver = maildir
mail_path = ~/Maildir
mail_uid = {uid}
mail_gid = {gid}
ssl_server_cert_file = {directory}/server.crt
ssl_server_key_file = {directory}/server.key
ssl_server_ca_file = {directory}/ca.crt
ssl_server_request_client_cert = yes
ssl_server_require_crl = no
ssl_server_cert_username_field = commonName
passdb passwd-file {{
  passwd_file_path = {directory}/users
}}
userdb passwd-file {{
  passwd_file_path = {directory}/users
}}
""",
}
NOT_ROOT = """\
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
"""
FIRST = {"2.3": "", "2.4": "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"}


class ExternalDovecot:
    """IMAP with STARTTLS, and POP3 with TLS from the start, for people whose certificate is of
    `authority`."""

    host, name = HOST, NAME

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = issue("the CA of Dovecot", is_ca=True)
        self.imap, self.pop3s = free_port(), free_port()
        self.ca = f"{directory}/ca.crt"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        server = issue(NAME, self.authority, hosts=[NAME])
        (self.directory / "ca.crt").write_bytes(self.authority.pem)
        (self.directory / "server.crt").write_bytes(server.pem)
        (self.directory / "server.key").write_bytes(key_pem(server.key))
        uid, gid = (8, 8) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
        names = {"user": pwd.getpwuid(uid).pw_name, "group": grp.getgrgid(gid).gr_name}
        values = {
            "directory": self.directory,
            "host": HOST,
            "port": self.imap,
            "pop3s": self.pop3s,
            "uid": uid,
            "gid": gid,
            "users": NOT_ROOT.format(**names) if os.geteuid() else "",
        }
        version = dovecot_version()
        text = FIRST[version] + (COMMON + OF_VERSION[version]).format(**values)
        (self.directory / "dovecot.conf").write_text(text)
        self.directory.chmod(0o755)
        mail = self.directory / "mail"
        mail.mkdir()
        os.chown(mail, uid, gid)
        people = (f"{name}:::::{mail}/{name}::nopassword\n" for name in USERS)
        (self.directory / "users").write_text("".join(people))
        self._process = subprocess.Popen(
            ["dovecot", "-F", "-c", self.directory / "dovecot.conf"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        log = self.directory / "log"
        assert wait_until(lambda: log.exists() and "starting up" in log.read_text(), 10, 0.02)

    def client(self, name: str = "probe", days: float = 90) -> CertifiedKey:
        """A certificate for somebody."""
        return issue(name, self.authority, days=(-200, days))

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()


@contextmanager
def running_dovecot() -> Iterator[ExternalDovecot]:
    directory = Path(mkdtemp(prefix="mailtrip-dovecot-", dir="/var/tmp"))  # short, and open to all
    dovecot = ExternalDovecot(directory)
    try:
        dovecot.start()
        yield dovecot
    finally:
        dovecot.stop()
        shutil.rmtree(directory, ignore_errors=True)
