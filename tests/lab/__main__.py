"""The commands of the lab: python -m tests.lab COMMAND, as root."""

import inspect
import os
import smtplib
import sys
from collections.abc import Callable
from typing import Any

from tests.lab import configure, facts, levers
from tests.lab.rundir import RunDirectory, fingerprint
from tests.lab.servers import all_servers
from tests.lab.shell import LabError, say

COMMAND = f"{sys.executable} -m tests.lab"


def up(rundir: RunDirectory) -> None:
    """configure, put every lever back, start what does not run, and wait until everything
    answers"""
    mark = rundir.path("fingerprint")
    if mark.exists() and mark.read_text() != fingerprint():
        say("the lab has changed since it was started")
        down(rundir)
        rundir.wipe()
    levers.pull_back(rundir)
    changed = levers.changed_entries(rundir)
    configure.everything(rundir)
    mark.write_text(fingerprint())
    servers = all_servers(rundir)
    fresh = not servers["rspamd"].main_pid()
    servers["rbl"].reload()
    for server in servers.values():
        server.start()
    for server in servers.values():
        server.wait_ready()
    levers.wait_for_entries(changed)
    if fresh:
        warm_up()


def warm_up() -> None:
    """The first message through a fresh rspamd can lack its DMARC result; so this one goes to the
    black hole."""
    message = "From: warmup@mon.test\r\nSubject: warm-up\r\n\r\n"
    with smtplib.SMTP(
        facts.MX_IP, 25, "mx.mon.test", timeout=30, source_address=(facts.MON_IP, 0)
    ) as client:
        client.sendmail("warmup@mon.test", "blackhole@lab.test", message)


def down(rundir: RunDirectory) -> None:
    """stop everything"""
    servers = list(all_servers(rundir).values())[::-1]
    for server in servers:
        server.ask_to_stop()
    for server in servers:
        server.stop()


def reset(rundir: RunDirectory) -> None:
    """wipe mail, queues, configuration and levers, and start again (CA and keys stay)"""
    down(rundir)
    rundir.wipe()
    up(rundir)


def status(rundir: RunDirectory) -> None:
    """show what runs and how the levers are set; succeeds when everything is as `up` would leave
    it"""
    running = {name: server.main_pid() for name, server in all_servers(rundir).items()}
    for name, server in all_servers(rundir).items():
        print(
            f"{name:9} {f'up    pid {running[name]:<7}' if running[name] else 'DOWN'}"
            f" {server.addresses()}"
        )
    certificate, paused = rundir.state("certificate", "good"), rundir.state("paused", "no")
    tls, target = rundir.state("tls", "good"), rundir.state("mon", facts.DEFAULT_MON)
    print(f"certificate={certificate} tls={tls} mon={target} paused={paused}")
    current = rundir.path("fingerprint").read_text() == fingerprint()
    print("as the source says" if current else "of an older source: up will start it again")
    sys.exit(0 if all(running.values()) and current else 1)


def usage(rundir: RunDirectory) -> None:
    """show the addresses and the people"""
    text = (configure.TEMPLATES / "usage").read_text()
    print(
        configure.render(
            text, {**configure.template_values(rundir), "HOME": str(facts.HOME), "COMMAND": COMMAND}
        )
    )


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "up": (up, ""),
    "down": (down, ""),
    "reset": (reset, ""),
    "status": (status, ""),
    "usage": (usage, ""),
    "stop": (levers.stop, "SERVER"),
    "start": (levers.start, "SERVER"),
    "pause-delivery": (levers.pause_delivery, ""),
    "resume-delivery": (levers.resume_delivery, ""),
    "expire-certificates": (levers.expire_certificates, ""),
    "restore-certificates": (levers.restore_certificates, ""),
    "break-tls": (levers.break_tls, "key|cipher"),
    "mend-tls": (levers.mend_tls, ""),
    "mon": (levers.mon, "TARGET"),
    "list": (levers.list_entry, "ENTRY [LIST]"),
    "unlist": (levers.unlist_entry, "ENTRY [LIST]"),
    "queue": (levers.queue, ""),
    "flush": (levers.flush, ""),
    "purge": (levers.purge, "[USER...]"),
}


def main(words: list[str]) -> None:
    if not words or words[0] in ("help", "-h", "--help"):
        print(f"usage: {COMMAND} COMMAND\n")
        for name, (function, wanted) in COMMANDS.items():
            print(f"  {name + ' ' + wanted:25} {function.__doc__}")
        return
    name, *arguments = words
    if name not in COMMANDS:
        raise LabError(f"there is no command {name}; try: {COMMAND} help")
    function, wanted = COMMANDS[name]
    if os.geteuid() != 0:
        raise LabError("must be root: the servers listen on ports below 1024 and change their user")
    rundir = RunDirectory(facts.RUN_DIRECTORY)
    check_arguments(function, rundir, arguments, f"{name} {wanted}")
    if name in ("up", "reset"):
        rundir.make()
    elif not rundir.path("fingerprint").exists():
        raise LabError(f"there is no lab in {rundir.dir}; start one with: {COMMAND} up")
    with rundir.locked():
        function(rundir, *arguments)


def check_arguments(
    function: Callable[..., Any], rundir: RunDirectory, arguments: list[str], wanted: str
) -> None:
    try:
        inspect.signature(function).bind(rundir, *arguments)
    except TypeError:
        raise LabError(f"usage: {COMMAND} {wanted}") from None


if __name__ == "__main__":
    os.umask(0o022)
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    os.environ["LC_ALL"] = "C"
    try:
        main(sys.argv[1:])
    except LabError as problem:
        sys.exit(f"lab: {problem}")
