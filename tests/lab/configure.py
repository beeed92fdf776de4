"""Writes everything the servers read: configuration from templates, keys, users, wrappers."""

import ipaddress
import os
import re
import shutil
from pathlib import Path

from tests.lab import certificates, dnssec, facts, sts
from tests.lab.rundir import RunDirectory, replace_file
from tests.lab.shell import LabError, run

TEMPLATES = facts.HOME / "templates"
POSTFIX = ["mx", "relay"]
MAIL_USER = 8  # Debian's user and group "mail" own the mailboxes


def everything(rundir: RunDirectory) -> None:
    make_directories(rundir)
    certificates.make_key(rundir.path("keys/dkim.key"))
    render_templates(rundir)
    certificates.make_all(rundir)
    certificates.install(rundir)
    install_dkim_key(rundir)
    dnssec.make_zone(rundir)
    sts.make_zone(rundir)
    write_users(rundir)
    make_mailboxes(rundir)
    write_blocklists(rundir)
    for instance in POSTFIX:
        make_chroot(rundir, instance)
    make_sendmail(rundir)
    copy_confined(rundir)


def make_directories(rundir: RunDirectory) -> None:
    for name in ("etc", "log", "pid", "keys", "bin", "state"):
        rundir.path(name).mkdir(exist_ok=True)
    for name in (
        "mail",
        "rbl",
        "rspamd",
        "store",
        "imap",
        "mx/data",
        "mx/spool/etc",
        "relay/data",
        "relay/spool/etc",
    ):
        rundir.path("var", name).mkdir(parents=True, exist_ok=True)
    shutil.chown(rundir.path("var/rspamd"), "_rspamd", "_rspamd")


def render_templates(rundir: RunDirectory) -> None:
    """templates/etc/* -> etc/*. Levers call it again after they changed a state."""
    values = template_values(rundir)
    for template in (TEMPLATES / "etc").rglob("*"):
        if template.is_file():
            target = rundir.path("etc", str(template.relative_to(TEMPLATES / "etc")))
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, render(template.read_text(), values))


def render(text: str, values: dict[str, str]) -> str:
    """Fills in `@INCLUDE FILE@` lines (from templates/include) and `@NAME@` values, also where one
    is in another."""

    def included(match: re.Match[str]) -> str:
        return render((TEMPLATES / "include" / render(match[1], values)).read_text(), values)

    text = re.sub(r"@INCLUDE (\S+)@\n", included, text)
    return re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], text)


def template_values(rundir: RunDirectory) -> dict[str, str]:
    values = {
        name: value
        for name, value in vars(facts).items()
        if name.isupper() and isinstance(value, str)
    }
    values |= {
        "DIR": str(rundir.dir),
        "DOVECOT": dovecot_version(),
        "DKIM_TXT": dkim_record(rundir),
        "PTR_RECORDS": "\n".join(
            f"{ipaddress.ip_address(ip).reverse_pointer}. PTR {name}."
            for ip, name in facts.REVERSE_NAMES.items()
        ),
        "POLICY_DOMAINS": " ".join(facts.POLICY_DOMAINS),
        "POLICY_ALIASES": "\n".join(f"@{name} blackhole@lab.test" for name in facts.POLICY_DOMAINS),
        "POLICY_ROUTES": "\n".join(
            f"{way}@{name} {way}:" for name in facts.POLICY_DOMAINS for way in ("dane", "sts")
        ),
        "DEFER_TRANSPORTS": "lmtp" if rundir.state("paused", "no") == "yes" else "",
        "MX_KEY": "relay" if rundir.state("tls", "good") == "key" else "mx",
        # What needs an ECDSA key, and the keys of the lab are RSA; TLS 1.3 has its own ciphers.
        "MX_TLS": "<=TLSv1.2" if rundir.state("tls", "good") == "cipher" else ">=TLSv1",
        "MX_CIPHERS": "aECDSA" if rundir.state("tls", "good") == "cipher" else "HIGH:aNULL",
    }
    return values | mon_values(rundir)


def dovecot_version() -> str:
    """Which of the languages of Dovecot's configuration this one reads: the version's first two
    parts."""
    whole = run("dovecot", "--version").split()[0]
    version = ".".join(whole.split(".")[:2])
    if not (TEMPLATES / "include" / f"dovecot-{version}").is_dir():
        known = " and ".join(sorted(path.name[8:] for path in TEMPLATES.glob("include/dovecot-*")))
        raise LabError(f"the lab configures Dovecot {known}; this one is {whole}")
    return version


def mon_values(rundir: RunDirectory) -> dict[str, str]:
    """How both Postfix servers deliver mail for mon.test; see the lever `mon`."""
    mon = rundir.state("mon", facts.DEFAULT_MON)
    values = {"MON_DOMAIN": "", "MX_ROUTE_TO_MON": "", "RELAY_ROUTE_TO_MON": ""}
    if mon == "dovecot":
        values["MON_DOMAIN"] = "mon.test"
        values["RELAY_ROUTE_TO_MON"] = f"mon.test smtp:[{facts.MX_IP}]:25"
    elif mon != "dns":
        host, port = split_host_port(mon)
        values["MX_ROUTE_TO_MON"] = values["RELAY_ROUTE_TO_MON"] = f"mon.test smtp:[{host}]:{port}"
    return values


def split_host_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdigit()):
        raise LabError(f"'{text}' is neither HOST:PORT nor dns nor dovecot")
    return host, int(port)


def dkim_record(rundir: RunDirectory) -> str:
    """The public key as a TXT record, in pieces of less than 256 characters."""
    pem = run("openssl", "rsa", "-in", rundir.path("keys/dkim.key"), "-pubout")
    key = "".join(line for line in pem.splitlines() if not line.startswith("-"))
    return f'"v=DKIM1; k=rsa; p={key[:200]}" "{key[200:]}"'


def install_dkim_key(rundir: RunDirectory) -> None:
    copy = rundir.path("etc/opendkim/dkim.key")
    replace_file(copy, rundir.path("keys/dkim.key").read_text(), 0o600)
    shutil.chown(copy, "opendkim")


def write_users(rundir: RunDirectory) -> None:
    """Dovecot's users, for delivery with and for reading without plugins; the recipients of the
    MX."""

    def passwd_line(user: str, extra: str = "") -> str:
        home = rundir.path("var/mail", user)
        return f"{user}:{facts.PASSWORD}:{MAIL_USER}:{MAIL_USER}::{home}::{extra}\n"

    readers = [passwd_line(user) for user in facts.MAILBOXES]
    delivery = [passwd_line(user, facts.DELIVERY_PLUGINS.get(user, "")) for user in facts.MAILBOXES]
    replace_file(rundir.path("etc/dovecot/users-imap"), "".join(readers))
    replace_file(rundir.path("etc/dovecot/users-store"), "".join(delivery))
    recipients = [f"{user}@lab.test" for user in facts.MAILBOXES] + facts.MORE_RECIPIENTS
    replace_file(
        rundir.path("etc/postfix-mx/recipients"),
        "".join(f"{address} OK\n" for address in recipients),
    )


def make_mailboxes(rundir: RunDirectory) -> None:
    """A Maildir for everybody, with the script templates/sieve/USER.sieve if there is one. It is
    whole, so that it can be read before the first message has come.

    Dovecot gives new files and folders the permissions of the Maildir: everybody may look into
    these.
    """
    for user in facts.MAILBOXES:
        home = rundir.path("var/mail", user)
        maildir = home / "Maildir"
        for directory in (home, maildir, *(maildir / name for name in ("cur", "new", "tmp"))):
            directory.mkdir(parents=True, exist_ok=True)
            os.chown(directory, MAIL_USER, MAIL_USER)
            directory.chmod(0o755)
        script = TEMPLATES / "sieve" / f"{user}.sieve"
        if script.exists():
            replace_file(home / ".dovecot.sieve", script.read_text())


def write_blocklists(rundir: RunDirectory) -> None:
    """The DNSBL data as it is before the levers `list` and `unlist` edit it."""
    for zone, text in blocklists(rundir).items():
        replace_file(rundir.path("var/rbl", zone), text)


def blocklists(rundir: RunDirectory) -> dict[str, str]:
    """Their files by zone."""
    values = template_values(rundir)
    return {one.name: render(one.read_text(), values) for one in (TEMPLATES / "rbl").iterdir()}


def make_chroot(rundir: RunDirectory, instance: str) -> None:
    """Postfix asks the C library's resolver. In a chroot with its own resolv.conf that is the lab's
    DNS."""
    spool = rundir.path("var", instance, "spool")
    for name in ("resolv.conf", "nsswitch.conf"):
        replace_file(spool / "etc" / name, rundir.path("etc/names", name).read_text())
    replace_file(spool / "etc/hosts", "127.0.0.1 localhost\n")
    replace_file(spool / "etc/services", Path("/etc/services").read_text())
    shutil.chown(rundir.path("var", instance, "data"), "postfix")
    private = spool / "private"  # Dovecot puts its SASL socket here before Postfix starts
    private.mkdir(exist_ok=True)
    private.chmod(0o700)
    shutil.chown(private, "postfix")


def make_sendmail(rundir: RunDirectory) -> None:
    """bin/sendmail: submission into RELAY for any local user.

    Postfix's set-gid postdrop refuses a configuration outside /etc/postfix when a normal user calls
    it. So RELAY has its own command directory with a copy without set-gid, and a maildrop open to
    everybody.
    """
    commands = rundir.path("bin/postfix")
    commands.mkdir(exist_ok=True)
    for command in Path("/usr/sbin").glob("post*"):
        link = commands / command.name
        if command.name != "postdrop" and not link.exists():
            link.symlink_to(command)
    shutil.copy("/usr/sbin/postdrop", commands / "postdrop")
    (commands / "postdrop").chmod(0o755)

    for name, mode in (("maildrop", 0o1733), ("public", 0o711)):
        directory = rundir.path("var/relay/spool", name)
        directory.mkdir(exist_ok=True)
        directory.chmod(mode)
        shutil.chown(directory, "postfix")

    wrapper = rundir.path("bin/sendmail")
    wrapper.write_text(
        f'#!/bin/sh\nMAIL_CONFIG={rundir.path("etc/postfix-relay")} exec /usr/sbin/sendmail "$@"\n'
    )
    wrapper.chmod(0o755)


def copy_confined(rundir: RunDirectory) -> None:
    """Debian's AppArmor profiles let /usr/sbin/unbound read /etc/unbound and little else, and clamd
    alike; copies are not meant by them."""
    for program in ("unbound", "clamd"):
        new = rundir.path("bin", f"{program}.new")
        shutil.copy(f"/usr/sbin/{program}", new)
        new.rename(rundir.path("bin", program))
