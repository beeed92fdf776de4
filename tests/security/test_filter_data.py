"""Messages with test data for spam filters and virus scanners."""

import inspect
import py_compile
from email import message_from_bytes
from functools import partial
from pathlib import Path

import pytest

from exporter.config.mistakes import Mistakes
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.mail import payloads
from exporter.mail.payloads import attachment_of, line_of
from exporter.settings import Settings
from tests.support import virtual_time as virtual
from tests.support.prober_rig import KEY, ProberRig

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = """
mailboxes:
  imap: {{imap: {{host: imap.example.net, username: u, password: p}}}}
  own: {{smtpd: {{listen: "127.0.0.1:0", recipients: [a@example.net]}}}}
modules:
  filter: {{targets: ["{targets}"], roundtrip: {{from: {sender}, send: {{mx: {{}}}},
      payload: {payload}{options}}}}}
probes: [{{name: one, module: filter, target: {target}}}]
"""
RIG = partial(ProberRig, expect={"lost": True}, payload="eicar")


def mistakes(
    options: str,
    targets: str = "a@example.net",
    payload: str = "eicar",
    sender: str = "p@example.org",
) -> str:
    """What is wrong with a module; empty if nothing is."""
    target = targets.replace("*", "a") if "@" in targets else "a@example.net"
    text = CONFIGURATION.format(
        options=options, targets=targets, payload=payload, sender=sender, target=target
    )
    try:
        Settings.parse(text.encode(), "mailtrip.yml")
    except Mistakes as error:
        return str(error)
    return ""


def test_recipients() -> None:
    """Test data is sent only with `expect` and `mailbox`, and only to addresses that the
    configuration names: a wildcard in `targets` cannot choose the recipient, and an `smtpd` mailbox
    must list it."""
    whole = ", mailbox: imap, expect: {lost: true}"
    assert not mistakes(whole)
    assert "expect" in mistakes(", mailbox: imap")
    assert "mailbox" in mistakes(", expect: {code: 554}")
    for wildcard in ("*@example.net", "*"):
        assert "payload" in mistakes(whole, wildcard)
    own = whole.replace("imap", "own")
    assert not mistakes(own)
    assert "b@example.net" in mistakes(own, "b@example.net")


def test_closed_mailbox() -> None:
    """Test data is not sent unless the mailbox is open, so that it can be deleted there."""

    async def course() -> None:
        rig = RIG()
        rig.mailbox.down = ProbeError(Reason.AUTH, "wrong password")
        assert not (await rig.trip()).success
        assert rig.sender.sent == []
        await rig.close()

    virtual.run(course())


def test_forged_sender() -> None:
    """`forged_from` writes the recipient's own address into `From`, and no other; a sender of the
    same domain is refused."""

    async def course() -> None:
        rig = ProberRig(expect={"lost": True}, payload="forged_from")
        await rig.trip()
        (message,) = map(message_from_bytes, rig.sender.sent)
        assert message.get_all("From") == [f"<{KEY.target}>"]
        await rig.close()

    virtual.run(course())
    options = ", mailbox: imap, expect: {lost: true}"
    assert not mistakes(options, payload="forged_from")
    for sender in ("p@example.net", "p@mail.example.net"):
        assert "forged_from" in mistakes(options, payload="forged_from", sender=sender)


@pytest.mark.parametrize("payload", ["gtube", "eicar"])
def test_files(tmp_path: Path, payload: str) -> None:
    """No file of mailtrip, and nothing in its state after a trip, contains a whole pattern that
    scanners look for."""

    async def course() -> None:
        rig = ProberRig(tmp_path, expect={"lost": True}, payload=payload)
        await rig.trip()
        await rig.close()

    virtual.run(course())
    source = inspect.getsourcefile(payloads)
    assert source
    py_compile.compile(source, str(tmp_path / "compiled"), doraise=True)
    attached = attachment_of(payload)
    pattern = attached.content if attached else line_of(payload).encode()
    kept = [one for one in tmp_path.rglob("*") if one.is_file()]
    shipped = [one for one in (ROOT / "exporter").rglob("*") if one.is_file()]
    assert kept
    assert len(shipped) > 300
    assert not [one for one in (*kept, *shipped) if pattern in one.read_bytes()]
