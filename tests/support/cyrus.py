"""The delivery agent of a Cyrus (LMTP), in a directory of its own.

Its client certificates are those of `authority`: the one for `agent` may deliver. So may who knows
the password of `agent`, at a port of its own, by mechanisms that do not send it.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from tests.lab.facts import PASSWORD
from tests.lab.shell import wait_until
from tests.support.chains import CertifiedKey, issue, key_pem
from tests.support.ports import free_port

PROGRAMS = Path("/usr/lib/cyrus/bin")
HOST = "127.0.0.1"
NAME = "cyrus.lab.test"
AGENT = "agent"
CONFIGURATION = """\
configdirectory: {directory}/conf
partition-default: {directory}/spool
defaultpartition: default
cyrus_user: {user}
servername: {name}
syslog_prefix: mailtrip-tests
admins: {agent}
sasl_mech_list: EXTERNAL
autocreate_post: yes
autocreate_users: probe full
autocreate_quota: {kibibytes}
tls_server_cert: {directory}/server.crt
tls_server_key: {directory}/server.key
tls_client_ca_file: {directory}/ca.crt
tls_client_certs: {certificates}
allowstarttls: yes
"""
LOGIN = """\
sasl_mech_list: SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-512 CRAM-MD5
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {directory}/passwords
tls_versions: tls1_2
"""
SERVICES = """\
START {{ }}
SERVICES {{
  lmtp cmd="lmtpd -C {directory}/optional.conf" listen="{host}:{port}" prefork=0
  strict cmd="lmtpd -C {directory}/require.conf" listen="{host}:{strict_port}" prefork=0
  login cmd="lmtpd -C {directory}/login.conf" listen="{host}:{login_port}" prefork=0
  lmtpunix cmd="lmtpd -C {directory}/optional.conf" listen="{socket}" prefork=0
}}
EVENTS {{ }}
"""


class Cyrus:
    """The mailboxes `probe` and `full` come into being with their first message. A mailbox is over
    quota when it has one of more than a KiB."""

    host, name, agent = HOST, NAME, AGENT

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = issue("the CA of Cyrus", is_ca=True)
        self.port, self.strict_port = free_port(), free_port()  # a certificate may, or must be sent
        self.login_port = free_port()
        self.socket = f"{directory}/lmtp"
        self.ca = f"{directory}/ca.crt"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for name in ("conf", "spool"):
            (self.directory / name).mkdir()
        server = issue(NAME, self.authority, hosts=[NAME])
        (self.directory / "ca.crt").write_bytes(self.authority.pem)
        (self.directory / "server.crt").write_bytes(server.pem)
        (self.directory / "server.key").write_bytes(key_pem(server.key))
        names = {"directory": self.directory, "name": NAME, "agent": AGENT, "host": HOST}
        names |= {"port": self.port, "strict_port": self.strict_port, "socket": self.socket}
        names |= {"login_port": self.login_port}
        user = "cyrus" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        for certificates in ("optional", "require"):
            text = CONFIGURATION.format(**names, user=user, kibibytes=1, certificates=certificates)
            (self.directory / f"{certificates}.conf").write_text(text)
        text = (
            (self.directory / "optional.conf").read_text().replace("sasl_mech_list: EXTERNAL\n", "")
        )
        (self.directory / "login.conf").write_text(text + LOGIN.format(**names))
        passwords = ("-p", "-c", "-f", self.directory / "passwords", "-u", NAME, AGENT)
        subprocess.run(["/usr/sbin/saslpasswd2", *passwords], input=PASSWORD.encode(), check=True)
        (self.directory / "cyrus.conf").write_text(SERVICES.format(**names))
        self._give_to(user)
        self._process = subprocess.Popen(
            [
                PROGRAMS / "master",
                *("-C", self.directory / "optional.conf"),
                *("-M", self.directory / "cyrus.conf"),
                *("-p", self.directory / "master.pid"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert wait_until(lambda: Path(self.socket).is_socket(), 10, pause=0.01)

    def _give_to(self, user: str) -> None:
        self.directory.chmod(0o755)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(user)
            for path in (self.directory, *self.directory.iterdir()):
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def client(self, name: str = AGENT, days: float = 90) -> CertifiedKey:
        """A certificate for somebody."""
        return issue(name, self.authority, days=(-200, days))

    def mails(self) -> list[bytes]:
        """All that is stored, as it was delivered or with more headers."""
        return [file.read_bytes() for file in sorted(self.directory.glob("spool/uuid/**/*."))]

    def stop(self) -> None:
        if self._process:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()


@contextmanager
def running_cyrus() -> Iterator[Cyrus]:
    directory = Path(mkdtemp(prefix="mailtrip-cyrus-", dir="/var/tmp"))  # its user may go there
    cyrus = Cyrus(directory)
    try:
        cyrus.start()
        yield cyrus
    finally:
        cyrus.stop()
        shutil.rmtree(directory)
