"""The lab as a test sees it: addresses, levers, and what is really in a mailbox."""

import fcntl
import os
import shutil
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path

from tests.lab import facts
from tests.lab.shell import LabError, wait_until

SOURCE = facts.HOME.parent.parent


ATTEMPTS = 10  # to deliver a message


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A message in a Maildir. Equal to itself as long as nobody moves it, flags it or changes it.

    Dovecot moves files from `new` to `cur` when a mailbox is selected; that is not a change.
    """

    folder: str  # INBOX, Junk
    name: str  # unique in the folder
    flags: str  # letters in alphabetical order: S seen, T trashed, F flagged, R replied
    content: bytes = field(repr=False)
    path: Path = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class LabUser:
    """Somebody with a mailbox at lab.test."""

    lab: "Lab"
    name: str

    @property
    def address(self) -> str:
        return f"{self.name}@lab.test"

    def deliver(self, message: bytes, sender: str = "someone@lab.test") -> None:
        """Stores a message by LMTP, past Postfix. It is there when this returns. Sieve and quota
        apply.

        After 451 it tries again, as a mail server does: Dovecot says so when the mailbox was made
        anew just now.
        """
        for attempt in range(ATTEMPTS):
            try:
                with smtplib.LMTP(facts.IMAP_IP, 24, local_hostname="test.lab.test") as client:
                    client.sendmail(sender, [self.address], message)
                return
            except smtplib.SMTPDataError as error:
                if error.smtp_code != 451 or attempt == ATTEMPTS - 1:
                    raise
                time.sleep(0.2)

    def mails(self) -> list[StoredMail]:
        """What is in all folders now, oldest first, read from the disk: nothing is touched, and no
        server is asked."""
        while True:
            try:
                return sorted(
                    _stored_mails(self.maildir), key=lambda mail: (mail.name, mail.folder)
                )
            except FileNotFoundError:  # renamed or deleted while we read
                continue

    def wait_for_mails(self, count: int = 1, seconds: float = 20) -> list[StoredMail]:
        """Returns what is in the folders when there are `count` messages. Raises LabError when they
        do not come."""
        if not wait_until(lambda: len(self.mails()) >= count, seconds, pause=0.02):
            raise LabError(
                f"{len(self.mails())} messages for {self.address} after {seconds:g} s, not {count}"
            )
        return self.mails()

    @property
    def maildir(self) -> Path:
        return self.lab.directory / "var/mail" / self.name / "Maildir"

    def purge(self) -> None:
        """Empties the mailbox. Its folders get a new UIDVALIDITY."""
        self.lab.command("purge", self.name)


def _stored_mails(maildir: Path) -> Iterator[StoredMail]:
    for file in [
        *maildir.glob("new/*"),
        *maildir.glob("cur/*"),
        *maildir.glob(".*/new/*"),
        *maildir.glob(".*/cur/*"),
    ]:
        folder = (
            file.parent.parent.name.removeprefix(".") if file.parent.parent != maildir else "INBOX"
        )
        name, _, flags = file.name.partition(":2,")
        yield StoredMail(folder, name.partition(",")[0], flags, file.read_bytes(), file)


class Lab:
    """A lab that is up. Tests share it: what a test breaks is put back after it, see
    `put_levers_back`."""

    # 25 open, 587 STARTTLS, 465 TLS, 2587 AUTH without TLS.
    relay_ip, relay_name = (facts.RELAY_IP, "relay.lab.test")
    mx_ip, mx_name = facts.MX_IP, "mx1.lab.test"
    imap_ip, imap_name = facts.IMAP_IP, "imap.lab.test"
    # Ours: bind it to be mx.mon.test forwards and backwards.
    mon_ip, mon_name = (facts.MON_IP, "mx.mon.test")
    backup_ip, ending_ip = facts.BACKUP_IP, facts.ENDING_IP  # the MX, with something amiss
    dead_ip = facts.DEAD_IP  # refuses connections, and has no PTR record
    misnamed_ip = facts.MISNAMED_IP  # has one that does not lead back
    dns = f"{facts.DNS_IP}:53"
    silent_dns = f"{facts.SILENT_DNS_IP}:53"
    password = facts.PASSWORD
    directory = facts.RUN_DIRECTORY
    ca = str(directory / "etc/tls/ca.crt")
    sendmail = str(directory / "bin/sendmail")

    def __init__(self) -> None:
        self._levers_pulled = False
        self._numbered = cycle(facts.NUMBERED_USERS)

    def user(self, name: str) -> LabUser:
        """Somebody of those in the README: probe, junk, dup, slow2 ..."""
        return LabUser(self, name)

    @contextmanager
    def fresh_user(self) -> Iterator[LabUser]:
        """One of u0001 ... u0200 with an empty mailbox, whom no other test has, also none of
        another pytest.

        In turn: a message that a test has left on its way must not reach the next one.
        """
        for name in islice(self._numbered, len(facts.NUMBERED_USERS)):
            descriptor = os.open(self.directory / "var/mail" / name, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                user = self.user(name)
                if user.mails():
                    user.purge()
                yield user
                return
            except BlockingIOError:
                continue
            finally:
                os.close(descriptor)
        raise LabError("no user is free")

    def stop(self, server: str) -> None:
        """Stops mx, relay, imap (and POP3), store (LMTP and the relay's passwords), dns or rbl."""
        self._pull("stop", server)

    def start(self, server: str) -> None:
        """Starts it again; it answers when this returns."""
        self._pull("start", server)

    def pause_delivery(self) -> None:
        """The MX takes mail but keeps it."""
        self._pull("pause-delivery")

    def resume_delivery(self) -> None:
        """It delivers again, also what waited."""
        self._pull("resume-delivery")

    def expire_certificates(self) -> None:
        """MX, RELAY and IMAP show an expired certificate."""
        self._pull("expire-certificates")

    def restore_certificates(self) -> None:
        self._pull("restore-certificates")

    def break_tls(self, how: str) -> None:
        """The MX offers STARTTLS, and refuses it (`key`) or fails in the handshake (`cipher`)."""
        self._pull("break-tls", how)

    def send_mon_to(self, target: str) -> None:
        """Where mail for mon.test goes: HOST:PORT, `dns` (its MX record: mon_ip, port 25) or
        `dovecot`."""
        self._pull("mon", target)

    def list(self, entry: str, blocklist: str = "bl") -> None:
        """Puts an address, or in `dbl` a domain, on a blocklist: bl, blclean, blall, blerr, dbl."""
        self._pull("list", entry, blocklist)

    def unlist(self, entry: str, blocklist: str = "bl") -> None:
        self._pull("unlist", entry, blocklist)

    def flush(self) -> None:
        """All queued mail is tried now."""
        self.command("flush")

    def put_levers_back(self) -> None:
        """Undoes what this test did to the lab, if it did something."""
        if self._levers_pulled:
            self.command("up")
            self._levers_pulled = False

    def _pull(self, *words: str) -> None:
        self._levers_pulled = True
        self.command(*words)

    def up(self) -> bool:
        """Brings the lab up unless it is; says whether it had to."""
        was_down = self._run("status").returncode != 0
        if was_down:
            self.command("up")
        self._in_use = os.open(self.directory, os.O_RDONLY)
        fcntl.flock(self._in_use, fcntl.LOCK_SH)
        return was_down

    def down(self) -> None:
        """Stops it, unless another program has it `up`."""
        self._if_alone("down")
        os.close(self._in_use)

    def empty(self) -> None:
        """Empties all mailboxes and queues, unless another program has it `up`."""
        try:
            self._if_alone("purge")
        finally:
            fcntl.flock(self._in_use, fcntl.LOCK_SH)

    def _if_alone(self, word: str) -> None:
        with suppress(BlockingIOError):
            fcntl.flock(self._in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.command(word)

    def follow(self, server: str) -> Callable[[], str]:
        """What the log of mx or relay says from now on, up to each call."""
        log = self.directory / f"log/{server}.log"
        before = log.stat().st_size

        def since() -> str:
            with log.open("rb") as file:
                file.seek(before)
                return file.read().decode(errors="replace")

        return since

    def command(self, *words: str) -> str:
        """A command of `python -m tests.lab`. Takes 0.1 s or more: asyncio programs call it in a
        thread."""
        done = self._run(*words)
        if done.returncode:
            raise LabError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [*self._as_root, sys.executable, "-B", "-m", "tests.lab", *words]
        return subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=120)

    @cached_property
    def _as_root(self) -> tuple[str, ...]:
        if os.geteuid() == 0:
            return ()
        if (
            not shutil.which("sudo")
            or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode
        ):
            raise LabError(
                "it needs root, or sudo without a password: its servers listen on ports below 1024"
            )
        return ("sudo", "-n", "--preserve-env=MAILTRIP_LAB_NET,MAILTRIP_LAB_DIR")
