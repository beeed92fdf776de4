"""The servers of the lab as processes: how each one is started, found, stopped and waited for."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.lab import configure, facts
from tests.lab.rundir import RunDirectory
from tests.lab.shell import LabError, can_connect, has_address, run, wait_until

_STAYING = 'pid=$1; shift; setsid "$@" & echo $! >"$pid"'
"""Starts a server that would leave the run directory if it went to the background itself."""
Address = tuple[str, int]


@dataclass
class Server:
    rundir: RunDirectory
    name: str
    command: Sequence[str | Path]  # returns when the server runs in the background
    pidfile: str  # written by the server
    tcp: Sequence[Address] = ()
    udp: Sequence[Address] = ()
    question: str = ""  # a DNS server is ready when it has an answer to this
    prepare: Callable[[], object] | None = None  # called before each start

    # Every server here leads a session of its own and works somewhere below the run directory.
    # We note its pid ourselves: some servers remove their pid file before their last process is
    # gone.

    def _noted_pid(self) -> int | None:
        return read_pid(self._note()) or read_pid(self.rundir.path(self.pidfile))

    def _note(self) -> Path:
        return self.rundir.path("pid", f"{self.name}.session")

    def main_pid(self) -> int | None:
        """The pid of the running server, or None."""
        pid = self._noted_pid()
        return pid if pid and self._owns(pid, pid) else None

    def processes(self) -> list[int]:
        """All its living processes, also those left behind by a killed main process."""
        leader = self._noted_pid()
        pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
        return [pid for pid in pids if leader and self._owns(pid, leader)]

    def _owns(self, pid: int, leader: int) -> bool:
        try:
            return os.getsid(pid) == leader and Path(
                os.readlink(f"/proc/{pid}/cwd")
            ).is_relative_to(self.rundir.dir)
        except OSError:  # gone, or dead and not yet reaped
            return False

    def addresses(self) -> str:
        return " ".join(f"{ip}:{port}" for ip, port in dict.fromkeys([*self.tcp, *self.udp]))

    def start(self) -> None:
        """Starts it, unless it runs. `wait_ready` says when it answers."""
        if self.main_pid():
            return
        self.stop()  # what a killed main process left behind
        self._check_addresses_are_free()
        if self.prepare:
            self.prepare()
        logs, log = self.rundir.path("log"), self.rundir.path("log", f"{self.name}-start.log")
        with log.open("w") as output:
            try:
                done = subprocess.run(
                    self.command,
                    cwd=self.rundir.dir,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    timeout=60,
                )
            except subprocess.TimeoutExpired:
                raise LabError(f"{self.name} did not start within 60 s, see {log}") from None
        if done.returncode:
            raise LabError(f"{self.name} did not start: {log.read_text()[-500:].strip()} ({logs})")
        if not wait_until(lambda: read_pid(self.rundir.path(self.pidfile)), 10):
            raise LabError(f"{self.name} wrote no {self.pidfile} within 10 s, see {logs}")
        self._note().write_text(str(read_pid(self.rundir.path(self.pidfile))))

    def _check_addresses_are_free(self) -> None:
        for kind, addresses in ((socket.SOCK_STREAM, self.tcp), (socket.SOCK_DGRAM, self.udp)):
            for address in addresses:
                with socket.socket(socket.AF_INET, kind) as probe:
                    if kind == socket.SOCK_STREAM:
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        probe.bind(address)
                    except OSError as error:
                        raise LabError(
                            f"{self.name} cannot have port {address[1]} of {address[0]}:"
                            f" {error.strerror} (a server on 0.0.0.0, or a second lab: see"
                            " MAILTRIP_LAB_NET in the README?)"
                        ) from None

    def wait_ready(self) -> None:
        logs = self.rundir.path("log")
        for address in self.tcp:
            if not wait_until(partial(can_connect, *address), 20):
                raise LabError(f"{self.name} does not answer on {address} after 20 s, see {logs}")
        if self.question and not wait_until(lambda: has_address(self.question, self.udp[0][0]), 20):
            raise LabError(f"{self.name} has no answer for {self.question} after 20 s, see {logs}")

    def ask_to_stop(self) -> bool:
        """Sends TERM to the main process; says whether there is one."""
        pid = self.main_pid()
        if pid:
            send_signal(pid, signal.SIGTERM)
        return bool(pid)

    def stop(self) -> None:
        """Ends the main process; what does not go with it gets TERM, and in the end KILL."""
        first_patience = 3 if self.ask_to_stop() else 0
        for patience, last_word in (
            (first_patience, signal.SIGTERM),
            (7, signal.SIGKILL),
            (5, None),
        ):
            if wait_until(lambda: not self.processes(), patience):
                self._note().unlink(missing_ok=True)
                self.rundir.path(self.pidfile).unlink(missing_ok=True)
                return
            for pid in self.processes():
                if last_word:
                    send_signal(pid, last_word)
        raise LabError(f"{self.name} cannot be stopped: {self.processes()}")

    def reload(self) -> None:
        if pid := self.main_pid():
            send_signal(pid, signal.SIGHUP)


def read_pid(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def send_signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def all_servers(rundir: RunDirectory) -> dict[str, Server]:
    """In the order in which they start."""
    return {
        server.name: server
        for server in [*_names(rundir), *_policies(rundir), *_filters(rundir), *_mail(rundir)]
    }


def _names(rundir: RunDirectory) -> list[Server]:
    zones = (
        "bl:ip4set:bl bl:ip6trie:bl6 blclean:ip4set:blclean blall:ip4set:blall blerr:ip4set:blerr"
        " dbl:dnset:dbl"
    )
    rbldnsd: list[str | Path] = [
        "rbldnsd",
        "-4",
        "-t",
        "5s",
        "-u",
        "rbldns",
        "-b",
        f"{facts.RBL_IP}/53",
    ]
    rbldnsd += ["-w", rundir.path("var/rbl"), "-p", rundir.path("pid/rbl.pid")]
    rbldnsd += [zone.replace(":", ".lab.test:", 1) for zone in zones.split()]
    return [
        Server(
            rundir,
            "dns",
            [rundir.path("bin/unbound"), "-c", rundir.path("etc/dns/unbound.conf")],
            "pid/dns.pid",
            tcp=[(facts.DNS_IP, 53)],
            udp=[(facts.DNS_IP, 53)],
            question="mx1.lab.test",
        ),
        Server(
            rundir,
            "rbl",
            rbldnsd,
            "pid/rbl.pid",
            udp=[(facts.RBL_IP, 53)],
            question="2.0.0.127.bl.lab.test",
        ),
    ]


def _own(
    rundir: RunDirectory,
    name: str,
    module: str,
    tcp: Sequence[Address],
    udp: Sequence[Address] = (),
) -> Server:
    """A module of the lab."""
    python = ["env", f"PYTHONPATH={facts.HOME.parent.parent}", sys.executable, "-B"]
    command: list[str | Path] = [*python, "-m", f"tests.lab.{module}", rundir.dir]
    return Server(rundir, name, command, f"pid/{name}.pid", tcp=tcp, udp=udp)


def _filters(rundir: RunDirectory) -> list[Server]:
    etc = rundir.path("etc")
    return [
        _own(
            rundir,
            "hop",
            "hop",
            tcp=[(facts.HOP_IP, 10025), (facts.HOP_IP, 10023), (facts.SILENT_DNS_IP, 53)],
            udp=[(facts.SILENT_DNS_IP, 53)],
        ),
        Server(
            rundir,
            "opendkim",
            ["opendkim", "-x", etc / "opendkim/opendkim.conf"],
            "pid/opendkim.pid",
            tcp=[(facts.OPENDKIM_IP, 8891)],
        ),
        Server(
            rundir,
            "clamd",
            [
                "sh",
                "-c",
                _STAYING,
                "sh",
                "pid/clamd.pid",
                "bin/clamd",
                "-c",
                etc / "clamav/clamd.conf",
            ],
            "pid/clamd.pid",
            tcp=[(facts.CLAMD_IP, 3310)],
        ),
        Server(
            rundir,
            "rspamd",
            ["rspamd", "-u", "_rspamd", "-g", "_rspamd", "-c", etc / "rspamd/rspamd.conf"],
            "pid/rspamd.pid",
            tcp=[(facts.RSPAMD_IP, port) for port in (11332, 11333)],
        ),
    ]


def _policies(rundir: RunDirectory) -> list[Server]:
    """MTA-STS: the hosts of the policies, and who follows them for Postfix."""
    daemon = shutil.which("mta-sts-daemon") or "mta-sts-daemon"
    return [
        _own(rundir, "policies", "policy_hosts", tcp=[(facts.POLICY_IP, 443)]),
        _with_names(
            rundir, "sts", [daemon, "-c", rundir.path("etc/sts/daemon.yml")], [(facts.STS_IP, 8461)]
        ),
    ]


def _with_names(
    rundir: RunDirectory, name: str, command: Sequence[str | Path], tcp: Sequence[Address]
) -> Server:
    """A server that always asks the system's resolver."""
    run_with: list[str | Path] = [
        "sh",
        rundir.path("etc/names/run.sh"),
        rundir.path("pid", f"{name}.pid"),
    ]
    return Server(rundir, name, [*run_with, *command], f"pid/{name}.pid", tcp=tcp)


def _mail(rundir: RunDirectory) -> list[Server]:
    etc = rundir.path("etc")
    return [
        Server(
            rundir,
            "store",
            ["dovecot", "-c", etc / "dovecot/store.conf"],
            "var/store/master.pid",
            tcp=[(facts.IMAP_IP, 24)],
        ),
        Server(
            rundir,
            "imap",
            ["dovecot", "-c", etc / "dovecot/imap.conf"],
            "var/imap/master.pid",
            tcp=[(facts.IMAP_IP, port) for port in (143, 993, 110, 995)],
        ),
        _postfix(rundir, "mx", [(facts.MX_IP, port) for port in (25, 10027, 10028)]),
        _postfix(rundir, "relay", [(facts.RELAY_IP, port) for port in (25, 587, 465, 2587)]),
    ]


def _postfix(rundir: RunDirectory, instance: str, tcp: Sequence[Address]) -> Server:
    """What `postfix start` does, in two steps: since Debian 13 the first one copies the system's
    resolv.conf into the chroot."""
    etc = rundir.path("etc", f"postfix-{instance}")

    def prepare() -> None:
        run("postfix", "-c", etc, "check")
        configure.make_chroot(rundir, instance)

    return Server(
        rundir,
        instance,
        ["/usr/lib/postfix/sbin/master", "-c", etc, "-w"],
        f"var/{instance}/spool/pid/master.pid",
        tcp=tcp,
        prepare=prepare,
    )
