"""Faults of this machine: its sendmail program, a Maildir, our own receiver."""

import shutil
import socket
from collections.abc import Callable

from exporter.app import App
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from tests.atlas.table import (
    Changes,
    Fault,
    Known,
    Lever,
    Make,
    Verdict,
    given,
    opening,
    send,
    watching,
)
from tests.atlas.world import PLAIN, World
from tests.support.smtp_witness import Freeze, Stage

TAKES = "cat > /dev/null"
QUEUE = "its own log; its queue"


def program(script: str, mode: int = 0o755, **roundtrip: object) -> Make:
    """A sendmail program that does this."""

    async def make(world: World) -> Changes:
        file = world.directory / "sendmail"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(mode)
        return {"roundtrip": roundtrip, "send": {"sendmail": {"path": str(file)}}}

    return make


def maildir(spoil: Callable[[World], None], *, later: bool = False) -> Make:
    """A Maildir that is spoiled, before the trip or while the message is awaited."""

    async def make(world: World) -> Changes:
        for name in ("new", "cur", "tmp"):
            (world.directory / "Maildir" / name).mkdir(parents=True)
        courier = await world.courier()

        async def then(app: App) -> None:
            spoil(world)

        if later:
            world.then = then
        else:
            spoil(world)
        return {
            "mailbox": {"maildir": {"path": str(world.directory / "Maildir")}},
            "smtp": courier.options,
        }

    return make


def removed(world: World) -> None:
    shutil.rmtree(world.directory / "Maildir")


def a_file(world: World) -> None:
    removed(world)
    (world.directory / "Maildir").write_text("From nobody\n")


def closed(world: World) -> None:
    (world.directory / "Maildir/new").chmod(0)
    world.stack.callback((world.directory / "Maildir/new").chmod, 0o700)


async def port_taken(world: World) -> Changes:
    taken = world.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = taken.getsockname()[1]
    return {
        "mailbox": {"smtpd": {"listen": f"127.0.0.1:{port}", "recipients": ["monitor@mon.test"]}}
    }


async def no_processor(world: World) -> Changes:
    """A server that hangs, and a clock that says that we were late all the time."""
    world.clock = Clock(late=lambda since, until: until - since)
    witness = await world.witness(Stage.GREETING, Freeze())
    return {"smtp": {**PLAIN, "port": witness.port}}


def _exits(name: str, code: int, reason: Reason, look: str) -> Fault:
    verdict = send(Step.PROGRAM, reason, str(code))
    return Fault(
        name,
        f"it exits with {code}",
        verdict,
        Known.AT_ONCE,
        look,
        program(f"{TAKES}; exit {code}"),
    )


PROGRAM = Step.PROGRAM

LOCAL = (
    Fault(
        "mailtrip gets too little processor time, so it is too late to read what servers answer",
        "a relay that sends no greeting, and a clock by which mailtrip was late all the time",
        Verdict(Phase.SEND, Step.GREETING, Reason.STARVED, "", None),
        Known.SESSION,
        "the load of mailtrip's machine, limits of processor time for its container or service",
        no_processor,
    ),
    Fault(
        "A file of the message cannot be read",
        "an attachment that does not exist",
        Verdict(Phase.SEND, None, Reason.PROGRAM, "file", Leg.SEND),
        Known.AT_ONCE,
        "the file that the text names, and whether mailtrip's user may read it",
        given(roundtrip={"attachment": {"file": "<directory>/invoice.pdf"}}),
        says="No such file or directory",
    ),
    Fault(
        "The sendmail program does not exist",
        "a path that does not exist",
        send(PROGRAM, Reason.PROGRAM, "ENOENT"),
        Known.AT_ONCE,
        "`path`; whether a mail server is installed",
        given(send={"sendmail": {"path": "<directory>/sendmail"}}),
    ),
    Fault(
        "The sendmail program is not executable",
        "a file without execute permission",
        send(PROGRAM, Reason.PROGRAM, "EACCES"),
        Known.AT_ONCE,
        "`path` and its permissions",
        program(TAKES, 0o644),
    ),
    _exits(
        "The sendmail program reports a temporary failure",
        75,
        Reason.DEFERRED,
        f"{QUEUE}, its disk",
    ),
    _exits("The sendmail program does not know the recipient", 67, Reason.REJECTED, "`to`"),
    _exits(
        "The sendmail program does not know the recipient's host",
        68,
        Reason.DNS,
        "`to`; `/etc/resolv.conf`",
    ),
    _exits(
        "The mail service of this machine is not available",
        69,
        Reason.UNAVAILABLE,
        "whether it runs",
    ),
    _exits(
        "The sendmail program does not allow this user to send",
        77,
        Reason.REJECTED,
        "`authorized_submit_users`",
    ),
    _exits(
        "The configuration of the sendmail program is wrong",
        78,
        Reason.PROGRAM,
        "`postfix check`, `exim -bV`",
    ),
    Fault(
        "The sendmail program is killed",
        "it is killed by a signal",
        send(PROGRAM, Reason.PROGRAM, "SIGKILL"),
        Known.AT_ONCE,
        "`dmesg`: out of memory?",
        program(f"{TAKES}; kill -KILL $$"),
    ),
    Fault(
        "The sendmail program does not read the message",
        "it exits with 0 without reading a large message",
        send(PROGRAM, Reason.PROGRAM),
        Known.AT_ONCE,
        "`path`: is it another program?",
        program("exit 0", size="1MiB"),
    ),
    Fault(
        "The sendmail program hangs",
        "it does not exit; mailtrip kills it, and it may have accepted the message",
        send(PROGRAM, Reason.TIMEOUT),
        Known.TIMEOUT,
        QUEUE,
        program(f"{TAKES}; sleep 600"),
    ),
    Fault(
        "The Maildir does not exist",
        "a path that does not exist",
        opening(Step.SELECT, Reason.UNAVAILABLE, "ENOENT"),
        Known.SESSION,
        "`path`; whether its file system is mounted",
        maildir(removed),
    ),
    Fault(
        "The Maildir is a file",
        "an mbox instead",
        opening(Step.SELECT, Reason.REJECTED, "ENOTDIR"),
        Known.AT_ONCE,
        "`path`; what the delivering program writes: Maildir or mbox",
        maildir(a_file),
    ),
    Fault(
        "The Maildir is not readable",
        "a directory without read permission for mailtrip",
        opening(Step.SELECT, Reason.REJECTED, "EACCES"),
        Known.AT_ONCE,
        "its owner and the user that runs mailtrip",
        maildir(closed),
        Lever.PRIVILEGES,
    ),
    Fault(
        "The Maildir disappears while the message is awaited",
        "it is removed, as when a file system is unmounted",
        watching(Step.SELECT, Reason.UNAVAILABLE, "ENOENT"),
        Known.TIMEOUT,
        "whether its file system is mounted",
        maildir(removed, later=True),
    ),
    Fault(
        "The port of the SMTP receiver is in use",
        "another program listens on `listen`",
        opening(Step.CONNECT, Reason.CONNECT),
        Known.SESSION,
        "`ss -ltnp`: which program uses it?",
        port_taken,
    ),
    Fault(
        "The certificate of the SMTP receiver does not exist",
        "`cert_file` names a missing file",
        opening(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "`cert_file`",
        given(
            mailbox={
                "smtpd": {
                    "listen": "127.0.0.1:0",
                    "recipients": ["monitor@mon.test"],
                    "tls": {
                        "cert_file": "<directory>/none.crt",
                        "key_file": "<directory>/none.key",
                    },
                }
            }
        ),
    ),
)
