"""The lab's own certificate authority, and a good and an expired certificate for each server."""

import datetime
import smtplib
import ssl
from hashlib import sha256
from pathlib import Path

from tests.lab import facts
from tests.lab.rundir import RunDirectory, replace_file
from tests.lab.shell import LabError, run, wait_until

SERVERS = list(facts.CERTIFICATE_NAMES)
NOT_OF_THE_LEVER = ("idp", "policies")  # a test runs the one itself; the other shows both
SERVERS_OF_THE_LAB = [name for name in SERVERS if name not in NOT_OF_THE_LEVER]
DAY = datetime.timedelta(days=1)


def make_all(rundir: RunDirectory) -> None:
    """Makes what is not there yet. CA and keys survive a reset."""
    keys = rundir.path("keys")
    keys.mkdir(exist_ok=True)
    keys.chmod(0o700)
    if not (keys / "ca.crt").exists():
        make_authority(keys)
    now = datetime.datetime.now(datetime.UTC)
    for server in SERVERS:
        make_key(keys / f"{server}.key")
        forget_other_names(keys, server)
        issue(rundir, server, "good", now - DAY, now + 365 * DAY)
        issue(rundir, server, "expired", now - 60 * DAY, now - DAY)
    (keys / "mx.ending.crt").unlink(missing_ok=True)
    issue(rundir, "mx", "ending", now - DAY, now + 10 * DAY)


def forget_other_names(keys: Path, server: str) -> None:
    """Removes its certificates if they are for other names than it has now."""
    names, file = "\n".join(facts.CERTIFICATE_NAMES[server]), keys / f"{server}.names"
    if not file.exists() or file.read_text() != names:
        for certificate in keys.glob(f"{server}.*.crt"):
            certificate.unlink()
        file.write_text(names)


def make_key(file: Path) -> None:
    if not file.exists():
        run("openssl", "genrsa", "-out", file, "2048")


def make_authority(keys: Path) -> None:
    run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "3650",
        "-subj",
        "/O=Mail Lab/CN=Mail Lab Root CA",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout",
        keys / "ca.key",
        "-out",
        keys / "ca.crt",
    )
    (keys / "index").write_text("")
    (keys / "serial").write_text("1000\n")


def issue(
    rundir: RunDirectory, server: str, kind: str, start: datetime.datetime, end: datetime.datetime
) -> None:
    """Signs keys/SERVER.KIND.crt (`openssl ca`, because only it takes a start date in the past)."""
    keys = rundir.path("keys")
    certificate = keys / f"{server}.{kind}.crt"
    if certificate.exists():
        return
    names = facts.CERTIFICATE_NAMES[server]
    first_name = names[0].removeprefix("DNS:")
    (keys / "names").write_text(f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth\n")
    run(
        "openssl",
        "req",
        "-new",
        "-key",
        keys / f"{server}.key",
        "-subj",
        f"/CN={first_name}",
        "-out",
        keys / "csr",
    )
    run(
        "openssl",
        "ca",
        "-batch",
        "-notext",
        "-config",
        rundir.path("etc/ca.cnf"),
        "-extfile",
        keys / "names",
        "-startdate",
        f"{start:%Y%m%d%H%M%SZ}",
        "-enddate",
        f"{end:%Y%m%d%H%M%SZ}",
        "-in",
        keys / "csr",
        "-out",
        certificate,
    )


def install(rundir: RunDirectory) -> None:
    """Puts the certificates chosen by the lever where the servers read them."""
    kind = rundir.state("certificate", "good")
    tls = rundir.path("etc/tls")
    tls.mkdir(exist_ok=True)
    for name in ("ca.crt", "mx.ending.crt"):
        replace_file(tls / name, rundir.path("keys", name).read_text())
    for server in SERVERS:
        certificate = rundir.path("keys", f"{server}.{kind}.crt").read_text()
        replace_file(tls / f"{server}.crt", certificate)
        key = rundir.path("keys", f"{server}.key").read_text()
        mode = 0o600 if server in SERVERS_OF_THE_LAB else 0o644
        replace_file(tls / f"{server}.key", key, mode)
    der = ssl.PEM_cert_to_DER_cert(rundir.path("keys/idp.good.crt").read_text())
    fingerprint = sha256(der).digest().hex(":").upper()
    replace_file(rundir.path("etc/postfix-relay/clientcerts"), f"{fingerprint} idp\n")


def wait_until_shown(rundir: RunDirectory, server: str) -> None:
    """Waits until a running server shows the installed certificate."""
    installed = ssl.PEM_cert_to_DER_cert(rundir.path("etc/tls", f"{server}.crt").read_text())

    def is_shown() -> bool:
        try:
            return shown_by(server) == installed
        except OSError:
            return False  # restarting just now

    if not wait_until(is_shown, 10, pause=0.2):
        raise LabError(f"{server} does not show its new certificate")


def tls_works() -> bool:
    """Whether STARTTLS at the MX leads to TLS."""
    try:
        return bool(shown_by("mx"))
    except (ssl.SSLError, smtplib.SMTPException, OSError):
        return False


def shown_by(server: str) -> bytes:
    """The certificate, DER. Of the MX behind STARTTLS, of the others with TLS from the start."""
    if server != "mx":
        address = {"relay": (facts.RELAY_IP, 465), "imap": (facts.IMAP_IP, 993)}[server]
        return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address, timeout=5))
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP(facts.MX_IP, 25, timeout=5) as client:
        code, words = client.starttls(context=context)
        if code != 220:
            raise smtplib.SMTPResponseException(code, words)
        assert isinstance(client.sock, ssl.SSLSocket)
        return client.sock.getpeercert(binary_form=True) or b""
