"""The sendmail program: Postfix's, and small ones that end in every way there is."""

import asyncio
import os
import shlex
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.message import ProbeMessage, compose, tokens_in
from exporter.model import Failure, Phase, ProbeError, Reason, Step
from exporter.net.dns import Resolver
from exporter.run import Clock, Run
from exporter.senders import SENDERS, SendOptions
from exporter.tokens import Mint
from tests.lab.client import Lab, LabUser

MINT = Mint(b"k" * 32)
Program = Callable[[str], str]


def probe_message(recipient: str, sender: str = "probe@lab.test") -> ProbeMessage:
    return compose(MINT.mint(0), sender, recipient, 0)


async def send(path: str, message: ProbeMessage, patience: float = 20) -> tuple[Run, Failure | None]:
    name, options = SendOptions.model_validate({"sendmail": {"path": path}}).chosen
    sender = SENDERS[name](options, Resolver(), message.recipient)
    run = Run(Clock(), session_timeout=patience)
    try:
        async with run.phase(Phase.SEND):
            await sender.send(message, run)
    except ProbeError as error:
        return run, run.failure(error)
    return run, None


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Call it with lines for the shell: returns the path of a program that does this. It may write into $HERE."""

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


# ------------------------------------------------------------ the real one


async def test_postfix_takes_the_message_and_it_arrives_whole(lab: Lab, lab_user: LabUser) -> None:
    message = probe_message(lab_user.address)
    run, failure = await send(lab.sendmail, message)
    assert failure is None
    assert run.accepted is not None
    assert [span.step for span in run.spans] == [Step.PROGRAM, None]
    (mail,) = lab_user.wait_for_mails(1)
    assert b"\nReturn-Path: <probe@lab.test>\n" in b"\n" + mail.content
    assert tokens_in(mail.content) == tokens_in(message.raw)
    assert mail.content.replace(b"\r\n", b"\n").endswith(message.raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2])


async def test_a_single_dot_does_not_end_the_message(lab: Lab, lab_user: LabUser) -> None:
    message = probe_message(lab_user.address)
    dotted = ProbeMessage(message.sender, message.recipient, message.raw + b".\r\nafter the dot\r\n")
    assert (await send(lab.sendmail, dotted))[1] is None
    (mail,) = lab_user.wait_for_mails(1)
    assert mail.content.replace(b"\r\n", b"\n").endswith(b"\n.\nafter the dot\n")


async def test_a_recipient_that_looks_like_an_option_is_none(lab: Lab, lab_user: LabUser) -> None:
    """As an option, -bp would have shown the queue. As an address, Postfix takes it and bounces it."""
    _, failure = await send(lab.sendmail, probe_message("-bp@nullmx.test", sender=lab_user.address))
    assert failure is None
    (notification,) = lab_user.wait_for_mails(1)
    assert b"Final-Recipient: rfc822; -bp@nullmx.test" in notification.content


# ------------------------------------------------------------ how it is called


async def test_it_is_called_without_a_shell_and_with_nothing_of_ours(program: Program, tmp_path: Path) -> None:
    os.environ["MAILTRIP_SECRET"] = "secret"
    try:
        path = program('printf "%s\\n" "$@" > $HERE/arguments; env > $HERE/environment; cat > $HERE/message')
        recipient = "$(touch${IFS}bad);`id`|*'x&@lab.test"
        message = probe_message(recipient)
        assert (await send(path, message))[1] is None
    finally:
        del os.environ["MAILTRIP_SECRET"]
    expected = ["-i", "-f", "probe@lab.test", "--", recipient]
    assert (tmp_path / "arguments").read_text().splitlines() == expected
    assert (tmp_path / "message").read_bytes() == message.raw.replace(b"\r\n", b"\n")
    names = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert names <= {"PATH", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_"}


async def test_addresses_in_other_scripts_go_as_utf_8(program: Program, tmp_path: Path) -> None:
    path = program('printf "%s\\n" "$@" > $HERE/arguments; cat > /dev/null')
    assert (await send(path, probe_message("grüße@例え.jp")))[1] is None
    assert (tmp_path / "arguments").read_bytes().splitlines()[-1] == "grüße@例え.jp".encode()


async def test_a_sender_that_looks_like_an_option_is_refused(program: Program, tmp_path: Path) -> None:
    path = program("touch $HERE/called")
    run, failure = await send(path, probe_message("you@lab.test", sender="-oQ/x@lab.test"))
    assert failure is not None
    assert failure.reason is Reason.PROGRAM
    assert "begins with a dash" in failure.detail
    assert not (tmp_path / "called").exists()
    assert run.accepted is None


# ------------------------------------------------------------ how it ends


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (1, Reason.PROGRAM, "no code of sysexits.h"),
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
        (127, Reason.PROGRAM, "no code of sysexits.h"),
    ],
)
async def test_every_exit_code_has_its_reason(program: Program, code: int, reason: Reason, words: str) -> None:
    run, failure = await send(
        program(f"cat > /dev/null; echo 'what went wrong' >&2; exit {code}"), probe_message("a@b.c")
    )
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == (Step.PROGRAM, reason, str(code))
    assert words in failure.detail
    assert failure.detail.endswith(": what went wrong")
    assert (run.accepted, run.uncertain) == (None, False)


async def test_a_program_that_dies_by_a_signal_has_failed(program: Program) -> None:
    _, failure = await send(program("cat > /dev/null; kill -SEGV $$"), probe_message("a@b.c"))
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.PROGRAM, "SIGSEGV")
    assert failure.detail.endswith("was ended by SIGSEGV")


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    _, failure = await send(str(tmp_path / "none"), probe_message("a@b.c"))
    expected = Failure(
        Phase.SEND, Step.PROGRAM, Reason.PROGRAM, "ENOENT", f"cannot run {tmp_path}/none: no such file or directory"
    )
    assert failure == expected


async def test_a_program_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "sendmail").write_text("#!/bin/sh\n")
    _, failure = await send(str(tmp_path / "sendmail"), probe_message("a@b.c"))
    assert failure is not None
    assert (failure.code, failure.detail) == ("EACCES", f"cannot run {tmp_path}/sendmail: permission denied")


@pytest.mark.parametrize("size", [0, 2_000_000])
async def test_a_program_that_never_reads_is_believed_when_it_fails(program: Program, size: int) -> None:
    message = probe_message("a@b.c")
    long = ProbeMessage(message.sender, message.recipient, message.raw + b"x" * size)
    _, failure = await send(program("echo no >&2; exit 75"), long)
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.DEFERRED, "75")


async def test_a_program_that_leaves_some_of_the_message_has_not_taken_it(program: Program) -> None:
    message = probe_message("a@b.c")
    long = ProbeMessage(message.sender, message.recipient, message.raw + b"x" * 2_000_000)
    run, failure = await send(program("head -c 100 > /dev/null"), long)
    assert failure is not None
    assert failure.reason is Reason.PROGRAM
    assert "did not take the whole message" in failure.detail
    assert run.accepted is None


async def test_a_flood_of_complaints_neither_blocks_nor_fills_the_memory(program: Program) -> None:
    script = "cat > /dev/null; echo 'first words' >&2; head -c 20000000 /dev/zero | tr '\\0' z >&2; exit 70"
    tracemalloc.start()
    try:
        _, failure = await send(program(script), probe_message("a@b.c"))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert failure is not None
    assert ": first words zzz" in failure.detail
    assert len(failure.detail) <= 300


async def test_a_child_that_delivers_in_the_background_is_left_alone(program: Program, tmp_path: Path) -> None:
    """As sendmail -odb does; it holds the pipe for complaints open."""
    path = program("cat > /dev/null; (until test -e $HERE/go; do sleep 0.01; done; echo sent > $HERE/sent) & exit 0")
    run, failure = await send(path, probe_message("a@b.c"))
    assert failure is None
    assert run.accepted is not None
    (tmp_path / "go").touch()
    assert await written(tmp_path / "sent") == "sent\n"


HANGS = "sleep 600 & echo $! $$ > $HERE/pids; wait"


@pytest.mark.parametrize(("reads", "uncertain"), [("cat > /dev/null; ", True), ("", False)])
async def test_a_program_that_hangs_is_killed_with_its_children(
    program: Program, tmp_path: Path, reads: str, uncertain: bool
) -> None:
    """Who has read the whole message may have sent it."""
    message = probe_message("a@b.c")
    long = ProbeMessage(message.sender, message.recipient, message.raw + b"x" * 2_000_000)
    run, failure = await send(program(reads + HANGS), long, patience=0.5)
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.PROGRAM, Reason.TIMEOUT)
    assert failure.detail.endswith("had not ended after 0.5 s and was killed")
    assert run.uncertain is uncertain
    await expect_gone(tmp_path)


async def test_cancelling_kills_the_program_and_its_children(program: Program, tmp_path: Path) -> None:
    sending = asyncio.create_task(send(program(HANGS), probe_message("a@b.c")))
    await written(tmp_path / "pids")
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await expect_gone(tmp_path)


async def expect_gone(tmp_path: Path) -> None:
    child, program = map(int, (await written(tmp_path / "pids")).split())
    assert is_gone(program)
    while not is_gone(child):  # killed; it is init's to bury
        await asyncio.sleep(0.01)


async def test_nothing_is_left_open(program: Program) -> None:
    path = program("cat > /dev/null")
    await send(path, probe_message("a@b.c"))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        await send(path, probe_message("a@b.c"))
        await send("/nowhere", probe_message("a@b.c"))
        await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) <= before
