"""Sends through this machine's sendmail program, which all mail servers for Unix, msmtp and the
like provide.

Exit code 0 means that it has accepted the message, usually into its queue. The mailbox shows
whether it is then delivered.
"""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from errno import errorcode
from typing import IO, cast

from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.net.smtp.session import reason_for
from exporter.senders.sendmail_options import EXIT_CODES, SendmailOptions

# Bytes of what the program says; the rest is read and forgotten, so that it never blocks.
MOST_OUTPUT = 2048
# seconds for what a program that failed has said to arrive; a child of it may hold the pipe open
LAST_WORDS = 0.5
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


_OF_MAIL = frozenset({Reason.DNS, Reason.REJECTED, Reason.DEFERRED, Reason.PROTOCOL})
"""What a program fails with when it has come as far as a server."""


# Exit codes of ssmtp, esmtp and msmtp for any reply of the server.
_COARSE = frozenset({1, 65, 69, 70, 77})
_REPLY = re.compile(
    r"\b([45]\d\d)[ -]([45]\.\d{1,3}\.\d{1,3}\b.*)"
    r"|(?:server message: |^ssmtp: |^|> \(|\S@\S+: )([45]\d\d)[ -](.*)"
)
"""A server's refusal that a program passes on, recognised together with an enhanced code (RFC
3463), or where these programs write it."""


class SendmailSender:
    """Calls the program once per message."""

    def __init__(self, options: SendmailOptions) -> None:
        self._path = options.path
        self.gap = options.gap or 0.0

    def destination(self, message: ProbeMessage) -> str:
        return self._path

    async def send(self, message: ProbeMessage, run: Run) -> None:
        """Raises ProbeError if the program does not start, or does not accept the message in
        time."""
        if message.sender.startswith("-"):  # `--` is not possible before the value of -f
            problem = (
                f"the sender {message.sender} begins with a dash, and {self._path} could take it"
                " for an option"
            )
            raise ProbeError(Reason.PROGRAM, problem)
        arguments = ("-i", "-f", message.sender, "--", message.recipient)
        async with (
            _listening() as output,
            run.conversation(lambda: self._overtime(run, output.text)),
        ):
            with run.step(Step.PROGRAM, self._path):
                run.note(f"$ {self._path} {' '.join(arguments)}")
                code, complete = await self._call(
                    arguments, message.raw.replace(b"\r\n", b"\n"), output, run
                )
                said = await output.last_words() if code or not complete else output.text
                run.note(f"-- exit code {code}{': ' if said else ''}{said}")
                self._judge(code, complete, said)
                run.accept(said)

    async def _call(
        self, arguments: tuple[str, ...], raw: bytes, output: "_Output", run: Run
    ) -> tuple[int, bool]:
        """Runs the program. Returns its exit code, and whether it read the whole message."""
        async with _feeding() as message, self._running(arguments, message, output) as process:
            try:
                await message.write(raw)
            finally:
                run.uncertain = message.complete
            code = await process.wait()
        run.uncertain = False
        return code, message.complete

    @asynccontextmanager
    async def _running(
        self, arguments: tuple[str, ...], message: "_Input", output: "_Output"
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Runs the program in a separate process group. If left early, it kills the group, without
        a zombie.

        A program that has ended by itself may leave a child that delivers in the background.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                self._path,
                *(argument.encode() for argument in arguments),
                stdin=message.pipe,
                stdout=output.pipe,
                stderr=output.pipe,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            problem, code = error.strerror or "unknown error", errorcode.get(error.errno or 0, "")
            raise ProbeError(
                Reason.PROGRAM, f"cannot run {self._path}: {problem.lower()}", code=code
            ) from None
        message.pipe.close()
        output.pipe.close()
        try:
            yield process
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        """Checks only that the program exists: any call could send a message."""
        with run.step(Step.PROGRAM, self._path):
            if not _runs(self._path):
                problem = "does not exist or is not executable by this user"
                raise ProbeError(Reason.PROGRAM, f"{self._path} {problem}")

    def _overtime(self, run: Run, said: str) -> ProbeError:
        problem = f"{self._path} did not exit within {run.session_timeout:g} s and was killed"
        return ProbeError(
            Reason.TIMEOUT, f"{problem}{': ' if said else ''}{said}{_without_new_rights()}"
        )

    def _judge(self, code: int, complete: bool, said: str) -> None:
        """Raises ProbeError unless the program has accepted the message."""
        words = f": {said}" if said else ""
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            raise ProbeError(Reason.PROGRAM, f"{self._path} was killed by {name}{words}", code=name)
        if code:
            reason, meaning = EXIT_CODES.get(code, (Reason.PROGRAM, "not a code of sysexits.h"))
            if code in _COARSE and (reply := _REPLY.search(said)):
                status, text = (one for one in reply.groups() if one is not None)
                reason = reason_for(Step.RCPT, int(status), text)
            words += "" if reason in _OF_MAIL else _without_new_rights()
            raise ProbeError(
                reason, f"{self._path} exited with {code} ({meaning}){words}", code=code
            )
        if not complete:
            raise ProbeError(
                Reason.PROGRAM,
                f"{self._path} exited with 0, but did not read the whole message{words}",
            )


class _Input(asyncio.BaseProtocol):
    """The input of the program. asyncio's own logs an error that is not awaited, and hides the
    program's end while a child holds the pipe open."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.pipe = pipe
        self._broken = False
        self._ended = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Whether the program can read all of it."""
        return not (self._broken or self._transport.get_write_buffer_size())

    async def write(self, raw: bytes) -> None:
        """Returns when the program can read all of it, or reads no more."""
        self._transport.write(raw)
        self._transport.close()
        await self._ended.wait()

    def drop(self) -> None:
        """Closes it, without what is not written."""
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._broken = error is not None
        self._ended.set()


@asynccontextmanager
async def _feeding() -> AsyncIterator[_Input]:
    inward, outward = os.pipe()
    message = _Input(os.fdopen(inward, "rb", 0))
    await asyncio.get_running_loop().connect_write_pipe(
        lambda: message, os.fdopen(outward, "wb", 0)
    )
    try:
        yield message
    finally:
        message.pipe.close()
        message.drop()


class _Output(asyncio.Protocol):
    """The output of the program. It may continue after the program's end: a child may hold the pipe
    open."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.pipe = pipe
        self._said = b""
        self._ended = asyncio.Event()

    @property
    def text(self) -> str:
        return one_line(self._said.decode(errors="replace"))

    async def last_words(self) -> str:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._ended.wait()
        return self.text

    def data_received(self, data: bytes) -> None:
        self._said += data[: MOST_OUTPUT - len(self._said)]

    def connection_lost(self, error: Exception | None) -> None:
        self._ended.set()


@asynccontextmanager
async def _listening() -> AsyncIterator[_Output]:
    inward, outward = os.pipe()
    output = _Output(os.fdopen(outward, "wb", 0))
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: output, os.fdopen(inward, "rb", 0)
    )
    try:
        yield output
    finally:
        output.pipe.close()
        transport.close()


def _without_new_rights() -> str:
    """A hint at NoNewPrivileges=, a cause that none of these programs reports: most exit, and
    Postfix's retries for ever."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            forbidden = any(line.split() == ["NoNewPrivs:", "1"] for line in status)
    except OSError:
        return ""
    cause = (
        "NoNewPrivileges is set for mailtrip, so programs that are set-uid or set-gid do not work"
        " (docs/running.md)"
    )
    return f"; {cause}" if forbidden else ""


def _runs(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
