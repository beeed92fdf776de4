"""The sendmail program: Postfix's, and small ones that end in every way there is."""

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.core.model import Failure
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.net.dns.resolver import Resolver
from tests.lab.client import Lab, LabUser
from tests.support.left_behind import nothing_left_behind
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send

Program = Callable[[str], str]


async def sent(
    path: str, message: ProbeMessage, patience: float = 20
) -> tuple[Run, Failure | None]:
    run = new_run(patience)
    return run, await send(make_sender("sendmail", {"path": path}, Resolver()), message, run)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Call it with lines for the shell: returns the path of a program that does this. It may write
    into $HERE."""

    def write(script: str) -> str:
        path = tmp_path / "sendmail"
        path.write_text(f"#!/bin/sh\nHERE={shlex.quote(str(tmp_path))}\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


async def written(file: Path) -> str:
    """What is in a file, as soon as it has a line."""
    while not (file.exists() and file.read_text().endswith("\n")):
        await asyncio.sleep(0.01)
    return file.read_text()


def is_gone(process: int) -> bool:
    """A zombie is not gone, unless it is somebody else's to bury."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return True
    state, parent = stat.rpartition(")")[2].split()[:2]
    return state == "Z" and int(parent) != os.getpid()


async def test_a_recipient_that_looks_like_an_option_is_none(lab: Lab, lab_user: LabUser) -> None:
    """As an option, -bp would have shown the queue. As an address, Postfix takes it and bounces
    it."""
    _, failure = await sent(lab.sendmail, probe_message("-bp@nullmx.test", sender=lab_user.address))
    assert failure is None
    (notification,) = lab_user.wait_for_mails(1)
    assert b"Final-Recipient: rfc822; -bp@nullmx.test" in notification.content


async def test_it_is_called_without_a_shell_and_with_nothing_of_ours(
    program: Program, tmp_path: Path
) -> None:
    os.environ["MAILTRIP_SECRET"] = "secret"
    try:
        path = program(
            'printf "%s\\n" "$@" > $HERE/arguments; env > $HERE/environment; cat > $HERE/message'
        )
        recipient = "$(touch${IFS}bad);`id`|*'x&@lab.test"
        message = probe_message(recipient)
        assert (await sent(path, message))[1] is None
    finally:
        del os.environ["MAILTRIP_SECRET"]
    expected = ["-i", "-f", "probe@lab.test", "--", recipient]
    assert (tmp_path / "arguments").read_text().splitlines() == expected
    assert (tmp_path / "message").read_bytes() == message.raw.replace(b"\r\n", b"\n")
    names = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert names <= {"PATH", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_"}


async def test_addresses_in_other_scripts_go_as_utf_8(program: Program, tmp_path: Path) -> None:
    path = program('printf "%s\\n" "$@" > $HERE/arguments; cat > /dev/null')
    assert (await sent(path, probe_message("grüße@例え.jp")))[1] is None
    assert (tmp_path / "arguments").read_bytes().splitlines()[-1] == "grüße@例え.jp".encode()


async def test_a_sender_that_looks_like_an_option_is_refused(
    program: Program, tmp_path: Path
) -> None:
    path = program("touch $HERE/called")
    run, failure = await sent(path, probe_message("you@lab.test", sender="-oQ/x@lab.test"))
    assert failure is not None
    assert failure.reason is Reason.PROGRAM
    assert "begins with a dash" in failure.detail
    assert not (tmp_path / "called").exists()
    assert run.accepted is None


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (1, Reason.PROGRAM, "not a code of sysexits.h"),
        (64, Reason.PROGRAM, "EX_USAGE"),
        (65, Reason.REJECTED, "EX_DATAERR"),
        (66, Reason.PROGRAM, "EX_NOINPUT"),
        (67, Reason.REJECTED, "EX_NOUSER"),
        (68, Reason.DNS, "EX_NOHOST"),
        (69, Reason.UNAVAILABLE, "EX_UNAVAILABLE"),
        (70, Reason.PROGRAM, "EX_SOFTWARE"),
        (71, Reason.PROGRAM, "EX_OSERR"),
        (72, Reason.PROGRAM, "EX_OSFILE"),
        (73, Reason.PROGRAM, "EX_CANTCREAT"),
        (74, Reason.PROGRAM, "EX_IOERR"),
        (75, Reason.DEFERRED, "EX_TEMPFAIL"),
        (76, Reason.PROTOCOL, "EX_PROTOCOL"),
        (77, Reason.REJECTED, "EX_NOPERM"),
        (78, Reason.PROGRAM, "EX_CONFIG"),
        (127, Reason.PROGRAM, "not a code of sysexits.h"),
    ],
)
async def test_every_exit_code_has_its_reason(
    program: Program, code: int, reason: Reason, words: str
) -> None:
    run, failure = await sent(
        program(f"cat > /dev/null; echo 'what went wrong' >&2; exit {code}"), probe_message("a@b.c")
    )
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == (Step.PROGRAM, reason, str(code))
    assert words in failure.detail
    assert failure.detail.endswith(": what went wrong")
    assert (run.accepted, run.uncertain) == (None, False)


async def test_a_program_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "sendmail").write_text("#!/bin/sh\n")
    _, failure = await sent(str(tmp_path / "sendmail"), probe_message("a@b.c"))
    assert failure is not None
    assert (failure.code, failure.detail) == (
        "EACCES",
        f"cannot run {tmp_path}/sendmail: permission denied",
    )


@pytest.mark.parametrize("size", [0, 2_000_000])
async def test_a_program_that_never_reads_is_believed_when_it_fails(
    program: Program, size: int
) -> None:
    message = probe_message("a@b.c")
    long = ProbeMessage(message.sender, message.recipient, message.raw + b"x" * size)
    _, failure = await sent(program("echo no >&2; exit 75"), long)
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.DEFERRED, "75")


async def test_a_program_that_leaves_some_of_the_message_has_not_taken_it(program: Program) -> None:
    message = probe_message("a@b.c")
    long = ProbeMessage(message.sender, message.recipient, message.raw + b"x" * 2_000_000)
    run, failure = await sent(program("head -c 100 > /dev/null"), long)
    assert failure is not None
    assert failure.reason is Reason.PROGRAM
    assert "did not read the whole message" in failure.detail
    assert run.accepted is None


async def test_a_flood_of_complaints_neither_blocks_nor_fills_the_memory(program: Program) -> None:
    script = (
        "cat > /dev/null; echo 'first words' >&2; head -c 20000000 /dev/zero | tr '\\0' z >&2;"
        " exit 70"
    )
    tracemalloc.start()
    try:
        _, failure = await sent(program(script), probe_message("a@b.c"))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert failure is not None
    assert ": first words zzz" in failure.detail
    assert len(failure.detail) <= 300


async def test_a_child_that_delivers_in_the_background_is_left_alone(
    program: Program, tmp_path: Path
) -> None:
    """As sendmail -odb does; it contains the pipe for complaints open."""
    path = program(
        "cat > /dev/null; (until test -e $HERE/go; do sleep 0.01; done; echo sent > $HERE/sent) &"
        " exit 0"
    )
    async with nothing_left_behind():
        run, failure = await sent(path, probe_message("a@b.c"))
    assert failure is None
    assert run.accepted is not None
    (tmp_path / "go").touch()
    assert await written(tmp_path / "sent") == "sent\n"


@pytest.mark.slow
async def test_what_a_program_that_hangs_has_said_is_told(program: Program) -> None:
    """Postfix' postdrop without its group tries for ever to write into the queue, and says so."""
    said = "echo 'postdrop: warning: Permission denied' >&2; sleep 600"
    _, failure = await sent(program(said), probe_message("a@b.c"), patience=0.5)
    assert failure is not None
    assert failure.detail.endswith(
        "did not exit within 0.5 s and was killed: postdrop: warning: Permission denied"
    )


HANGS = "sleep 600 & echo $! $$ > $HERE/pids; wait"


@pytest.mark.slow
@pytest.mark.parametrize(("reads", "uncertain"), [("cat > /dev/null; ", True), ("", False)])
async def test_a_program_that_hangs_is_killed_with_its_children(
    program: Program, tmp_path: Path, reads: str, uncertain: bool
) -> None:
    """Who has read the whole message may have sent it."""
    message = probe_message("a@b.c")
    long = ProbeMessage(message.sender, message.recipient, message.raw + b"x" * 2_000_000)
    run, failure = await sent(program(reads + HANGS), long, patience=0.5)
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.PROGRAM, Reason.TIMEOUT)
    assert failure.detail.endswith("did not exit within 0.5 s and was killed")
    assert run.uncertain is uncertain
    await expect_gone(tmp_path)


async def expect_gone(tmp_path: Path) -> None:
    child, program = map(int, (await written(tmp_path / "pids")).split())
    assert is_gone(program)
    while not is_gone(child):  # killed; it is init's to bury
        await asyncio.sleep(0.01)


STAYS = "exec 3<&0; setsid sleep 600 <&3 & echo $! > $HERE/stays; exec sleep 600"


@pytest.mark.parametrize("size", [100_000, 2_000_000])
@pytest.mark.parametrize(
    "script",
    ["exit 75", "head -c 100 > /dev/null", "exec sleep 600", STAYS],
    ids=["refuses", "reads little", "hangs", "a child holds the pipe"],
)
async def test_a_program_that_does_not_read_all_leaves_nothing_behind(
    program: Program, tmp_path: Path, script: str, size: int
) -> None:
    """Not in the log either: asyncio writes there what a pipe has died of, if that is not
    awaited."""
    message = probe_message("a@b.c")
    long = ProbeMessage(message.sender, message.recipient, message.raw + b"x" * size)
    try:
        async with nothing_left_behind():
            run, failure = await sent(program(script), long, patience=0.5)
    finally:
        for file in tmp_path.glob("stays"):
            os.kill(int(file.read_text()), signal.SIGKILL)
    assert failure is not None
    assert run.uncertain is False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("forbidden", "script", "told"),
    [
        (True, "echo setgroups failed; exit 1", True),
        (True, "exit 78", True),
        (True, "exec sleep 60", True),
        (True, "echo no such user; exit 67", False),
        (False, "exit 1", False),
    ],
)
def test_a_program_that_may_not_change_its_rights_is_told_as_that(
    program: Program, tmp_path: Path, forbidden: bool, script: str, told: bool
) -> None:
    """Exim says "setgroups() failed", Postfix nothing at all: neither names NoNewPrivileges."""
    for part in ("cur", "new", "tmp"):
        (tmp_path / part).mkdir()
    send = f"{{sendmail: {{path: {program(script)}}}}}"
    (tmp_path / "mailtrip.yml").write_text(
        f"mailboxes: {{own: {{maildir: {{path: {tmp_path}}}}}}}\n"
        "modules: {a: {timeout: 4s, session_timeout: 1s,"
        f" roundtrip: {{from: a@b.example, send: {send}, mailbox: own}}}}}}\n"
        "probes: [{name: a, module: a, target: a@b.example}]\n"
    )
    command = ["setpriv", "--no-new-privs"] if forbidden else []
    command += [
        sys.executable,
        "-m",
        "exporter",
        "probe",
        "--json",
        "--config.file",
        "mailtrip.yml",
        "a",
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    detail = json.loads(done.stdout)["failure"]["detail"]
    assert ("NoNewPrivileges is set for mailtrip" in detail) is told
