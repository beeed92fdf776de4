"""A sender and a mailbox are added to a copy of mailtrip as CONTRIBUTING.md says: one file and one
field each."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.smtp_witness import witness
from tests.support.tree import ROOT

pytestmark = pytest.mark.slow

CONFIGURATION = """\
mailboxes:
  files: {spool: {path: %(path)s}}
modules:
  store:
    session_timeout: 5s
    roundtrip: &trip
      from: probe@spool.test
      send: {depot: {host: 127.0.0.1, port: %(port)d}}
      mailbox: files
  each:
    session_timeout: 5s
    roundtrip: {<<: *trip, to: "a@spool.test", send: {depot: {host: "{target}"}}}
    targets: ["*.spool.test"]
probes:
  - {name: store, module: store, target: someone@spool.test}
"""


class Copy:
    """A copy of mailtrip, and of its tests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        rubbish = shutil.ignore_patterns("__pycache__")
        for part in ("exporter", "tests"):
            shutil.copytree(ROOT / part, path / part, ignore=rubbish)
        shutil.copy(ROOT / "pyproject.toml", path)

    def add(self, file: str, to: str) -> None:
        shutil.copy(ROOT / "tests/support/kinds" / file, self.path / to / file)

    def register(self, file: str, kind: str, name: str, options: str) -> None:
        """One field."""
        registry = self.path / "exporter" / file / "__init__.py"
        text = registry.read_text()
        place = f'Kind("exporter.{file}.{name}:{options}")'
        field = f"{name}: Annotated[{kind} | None, {place}] = None"
        text = text.replace(
            "    @property\n", f'    {field}\n    """One more."""\n\n    @property\n', 1
        )
        registry.write_text(text)

    def configure(self, port: int = 1, *, old: str = "", new: str = "") -> None:
        spool = self.path / "spool"
        spool.mkdir(exist_ok=True)
        text = CONFIGURATION % {"path": spool, "port": port}
        assert old in text
        (self.path / "mailtrip.yml").write_text(text.replace(old, new) if old else text)

    async def python(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and all that was said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": str(self.path), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async def check(self, *flags: str) -> tuple[int, str]:
        return await self.python("exporter", "check", *flags, "mailtrip.yml")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    one = Copy(tmp_path_factory.mktemp("mailtrip"))
    one.add("depot.py", "exporter/senders")
    one.register("senders", "SenderKind", "depot", "DepotOptions")
    one.add("spool.py", "exporter/mailboxes")
    one.register("mailboxes", "MailboxKind", "spool", "SpoolOptions")
    return one


MISTAKES = {
    "a target that is no host": (
        "target: someone@spool.test}",
        "target: someone@spool.test}\n  - {name: no, module: each, target: 'no_host!'}",
        "invalid target for module each: send.depot.host would be 'no_host!': not a host; write a",
    ),
    "one target for two things": (
        'to: "a@spool.test", send',
        "send",
        "the target is the server, so `to` needs an address, such as postmaster@{target}",
    ),
    "a port of another protocol": (
        "port: 1}",
        "port: 993}",
        "993 is the port of IMAP, but this option is for DEPOT: 2424",
    ),
    "a message that is too large": (
        "mailbox: files",
        "mailbox: files\n      size: 1MiB",
        "modules.store.roundtrip.size: is larger than a file in files may be",
    ),
    "bounces to somebody else": (
        "from: probe@spool.test",
        "from: probe@elsewhere.test\n      bounces: files",
        "the mailbox does not accept mail for probe@elsewhere.test, which receives",
    ),
    "an option that is unknown": ("path: ", "paht: ", "did you mean path?"),
    "what the kind itself minds": (
        "  store:\n",
        "  store:\n    timeout: 2h\n",
        "modules.store.roundtrip.send.depot: answers at once, and the module's timeout is 2h",
    ),
}


async def test_check_takes_what_a_new_kind_takes(copy: Copy) -> None:
    copy.configure()
    assert await copy.check() == (0, "mailtrip.yml: OK: modules: 2, mailboxes: 1, probes: 1\n")


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_check_knows_what_a_new_kind_knows(copy: Copy, mistake: str) -> None:
    old, new, said = MISTAKES[mistake]
    copy.configure(old=old, new=new)
    assert said in (await copy.check())[1]


async def test_check_tries_a_new_kind(copy: Copy) -> None:
    async with witness() as server:
        copy.configure(server.port)
        code, said = await copy.check("--try")
        assert server.received == []
    _, mailbox, store, each = said.splitlines()
    assert code == 0
    assert mailbox.startswith(f"OK      mailbox files (the files in {copy.path}/spool): 0.")
    assert store.startswith(f"OK      module store (127.0.0.1:{server.port}): 0.")
    assert each == "-       module each: not tried: no entry in probes has a target for it"


async def test_a_new_kind_without_a_rig_fails_and_one_with_a_rig_is_proven(copy: Copy) -> None:
    quick = ("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    code, said = await copy.python(*quick, "tests/mailboxes/test_contract.py", "-k", "has_a_rig")
    assert code == 1
    assert "write a rig for ['spool']" in said
    rigs = copy.path / "tests/support/sender_rigs.py"
    text = rigs.read_text().replace('"smtp": SMTP', '"depot": DEPOT, "smtp": SMTP')
    text = text.replace("\n\nRIGS", "\nfrom tests.support.depot_rig import DEPOT\n\nRIGS")
    rigs.write_text(text)
    copy.add("depot_rig.py", "tests/support")
    code, said = await copy.python(*quick, "tests/senders/test_contract.py", "-k", "depot or rig")
    assert code == 0, said
    assert int(said.splitlines()[-1].split()[0]) > 50
