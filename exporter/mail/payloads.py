"""Harmless test data that filters of spam, of viruses, of forgeries and of attachments must react
to.

No pattern is here as a whole, or a scanner would delete this file and what it is shipped in. The
parts are joined at run time: the compiler writes a sum of constants as one.
"""

from typing import Literal

from exporter.mail.attachment import Attachment
from exporter.mail.mime import Part

Payload = Literal["gtube", "eicar", "forged_from", "blocked_attachment"]

_GTUBE = "".join(
    ("XJS*C4JDBQADN1.NSBN3", "*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE", "-TEST-EMAIL*C.34X")
)
"""https://spamassassin.apache.org/gtube/"""
_EICAR = "".join(
    (r"X5O!P%@AP[4\PZX54(P^)", "7CC)7}", "$EICAR-STANDARD-ANTIVIRUS", "-TEST-FILE!$H+H*")
)
"""https://www.eicar.org/download-anti-malware-testfile/"""
_NO_PROGRAM = "This is a text with the name of a program: a harmless test of a filter.\r\n"


def line_of(payload: str) -> str:
    """The line of the text that is the payload; empty if it is elsewhere."""
    return _GTUBE if payload == "gtube" else ""


def attachment_of(payload: str) -> Attachment | None:
    """The attachment that is the payload. That with the test virus has a name that no filter minds,
    so that it tests the virus scanner, and the other one no content that a scanner minds."""
    if payload == "eicar":
        return Attachment("eicar.txt", _EICAR.encode())
    if payload == "blocked_attachment":
        return Attachment("mailtrip-test.exe", _NO_PROGRAM.encode())
    return None


def is_removed(payload: str, message: Part) -> bool:
    """Whether a message, which is not wrapped, arrived without the attachment that was its
    payload."""
    attached = attachment_of(payload)
    if not attached:
        return False
    wanted = attached.content.decode("latin-1").strip()
    return not any(wanted in leaf.content.replace("\n", "\r\n") for leaf in _leaves(message))


def _leaves(part: Part) -> list[Part]:
    return [leaf for inner in part.parts for leaf in _leaves(inner)] if part.parts else [part]
