"""The log: one line for each event, whatever texts of others it contains."""

import io
import json
import logging
import sys
from collections.abc import Mapping

import pytest

from exporter.core.logs import about, log_to_stderr
from exporter.core.model import ProbeKey

PROBE = ProbeKey("submission", "a@example.org")


@pytest.fixture
def log(request: pytest.FixtureRequest) -> logging.Handler:
    """The handler that the program would have, and nothing else."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    log_to_stderr("INFO", request.param)
    (handler,) = root.handlers
    root.handlers[:] = before
    root.setLevel(level)
    return handler


def written(
    handler: logging.Handler,
    text: str,
    extra: Mapping[str, object] | None = None,
    *,
    error: bool = False,
) -> str:
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    handler.setStream(stream)
    record = logging.getLogger("exporter.x").makeRecord(
        "exporter.x",
        logging.WARNING,
        __file__,
        1,
        "%s",
        (text,),
        sys.exc_info() if error else None,
        extra=extra,
    )
    record.created = 0.25
    handler.handle(record)
    return stream.getvalue()


@pytest.mark.parametrize("log", ["text"], indirect=True)
def test_a_text_of_others_stays_on_its_line(log: logging.Handler) -> None:
    assert written(log, "a\nb\x1b[2J") == ("1970-01-01T00:00:00Z WARNING a\\u000ab\\u001b[2J\n")


@pytest.mark.parametrize("log", ["text"], indirect=True)
def test_each_line_of_a_traceback_is_indented(log: logging.Handler) -> None:
    try:
        raise ValueError("x\x1b\n1970-01-01T00:00:00Z WARNING forged")
    except ValueError:
        first, *rest = written(log, "a bug", error=True).splitlines()
    assert first.endswith("WARNING a bug")
    assert len(rest) > 2
    assert all(line.startswith("  ") for line in rest)
    assert "\x1b" not in "".join(rest)


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_json_has_what_it_is_about_as_fields_of_its_own(log: logging.Handler) -> None:
    extra = about("0123456789abcd", PROBE, "f" * 32)
    line = written(log, "a\nb \N{BULLET}", extra)
    assert line.isascii()
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.250Z",
        "level": "WARNING",
        "source": "exporter.x",
        "msg": "a\nb \N{BULLET}",
        "trip": "0123456789abcd",
        "module": PROBE.module,
        "target": PROBE.target,
        "trace_id": "f" * 32,
    }
    assert about("0123456789abcd") == {"about": {"trip": "0123456789abcd"}}


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_json_has_a_traceback_in_one_field(log: logging.Handler) -> None:
    try:
        raise ValueError("why")
    except ValueError:
        line = written(log, "a bug", error=True)
    assert line.count("\n") == 1
    assert "ValueError: why" in json.loads(line)["error"]
