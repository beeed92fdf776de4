"""Reads values of a server's answer, which may be anything. Pure."""

from collections.abc import Mapping
from typing import Any

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason

Answer = Mapping[str, Any]


def objects(answer: Answer, name: str = "list") -> list[Answer]:
    found = answer.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def texts(answer: Answer, name: str) -> list[str]:
    found = answer.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def mapping(answer: Answer, name: str) -> Answer:
    found = answer.get(name)
    return found if isinstance(found, dict) else {}


def text(answer: Answer, name: str) -> str:
    """Empty if there is none."""
    found = answer.get(name)
    return found if isinstance(found, str) else ""


def needed(answer: Answer, name: str) -> str:
    """Raises ProbeError if there is none."""
    found = text(answer, name)
    if not found:
        raise ProbeError(Reason.PROTOCOL, f"the server sent no {name}")
    return found


def number(answer: Answer, name: str) -> int | None:
    found = answer.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
