"""What strangers can point mailtrip at, where `targets` is wide, and where it is one target."""

import itertools
import urllib.parse
from pathlib import Path

import pytest

from tests.security.conftest import Start
from tests.security.test_requests import Listening, fetch, probe

pytestmark = pytest.mark.slow

CONFIGURATION = """
modules:
  any:
    targets: ["*"]
    roundtrip: {{from: p@lab.test, send: {{smtp: {{host: 127.0.0.1, port: {port}, tls: none}}}},
        expect: {{code: 554}}}}
  program:
    targets: ["*"]
    roundtrip: {{from: p@lab.test, send: {{sendmail: {{path: {program}}}}}, expect: {{code: 69}}}}
  hosts:
    targets: ["::/0", "0.0.0.0/0", "*"]
    roundtrip:
      from: p@lab.test
      to: p@lab.test
      send: {{smtp: {{host: "{{target}}", port: {port}, tls: none}}}}
      expect: {{code: 554}}
  one:
    targets: ["Monitor@lab.test"]
    roundtrip: {{from: p@lab.test, send: {{smtp: {{host: 127.0.0.1, port: {port}, tls: none}}}},
        expect: {{code: 554}}}}
"""
BEHIND = (
    "\r\nX-Injected: yes\r\n\r\nbody",
    ">\r\nRCPT TO:<v@lab.test",
    "x> NOTIFY=NEVER ORCPT=rfc822;x",
    "\0\x1b[31mred",
    "A" * 3000,
    "eth0",
    "1",
    "\u202e",
    "",
)


def test_zones(start: Start, listener: Listening, tmp_path: Path) -> None:
    """An IPv6 address with a zone is not a valid target: text after a `%` never reaches a
    command, a header or an argument of a program, whatever `targets` allows."""
    server, called = listener(), tmp_path / "called"
    program = tmp_path / "sendmail"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{called}\ncat >>{called}\n')
    program.chmod(0o755)
    exporter = start(CONFIGURATION.format(port=server.port, program=program))
    for behind in BEHIND:
        for literal in (f"[IPv6:::1%{behind}]", f"[::1%{behind}]", f"[IPv6:fe80::1%{behind}"):
            for module in ("any", "program"):
                assert probe(exporter, module, f"a@{literal}")[0] == 400, (module, behind)
                assert probe(exporter, module, f"a@{literal}", "&debug=true")[0] == 400, (
                    module,
                    behind,
                )
        for host in (
            f"::1%{behind}",
            f"[::1%{behind}]",
            f"127.0.0.1%{behind}",
            f"::ffff:127.0.0.1%{behind}",
        ):
            assert probe(exporter, "hosts", host)[0] == 400, behind
    assert server.visits == 0
    assert not called.exists()
    assert "Injected" not in exporter.get("/")
    assert probe(exporter, "any", "a@[IPv6:::1]")[0] == 200  # so that it was not for another reason
    assert probe(exporter, "program", "a@[IPv6:::1]")[0] == 200
    assert b"RCPT TO:<a@[IPv6:::1]>" in bytes(server.heard)
    assert "a@[IPv6:::1]" in called.read_text()


def test_spellings(start: Start, listener: Listening) -> None:
    """All spellings of a target are one probe, with one interval, for all clients; a pattern
    without a wildcard allows one target, and another letter case before the `@` is refused with
    403."""
    server = listener(answers={"RCPT": "554 no"})
    exporter = start(CONFIGURATION.format(port=server.port, program="/bin/false"))
    for spelling in (
        "Monitor@lab.test",
        "Monitor@LAB.test",
        "Monitor@lab.test.",
        "Monitor@ｌａｂ.test",
        "Monitor@lab。test",
    ):
        assert probe(exporter, "one", spelling)[0] == 200, spelling
        query = urllib.parse.urlencode({"module": "one", "target": spelling})
        assert fetch(exporter, f"/trips?{query}")[0] == 200, spelling
    for letters in itertools.islice(itertools.product(*((c, c.upper()) for c in "monitor")), 20):
        assert probe(exporter, "one", f"{''.join(letters)}@lab.test")[0] == 403
    for spelling in ("127.0.0.1", "::ffff:127.0.0.1", "::FFFF:7f00:1", "0:0:0:0:0:ffff:7f00:1"):
        assert probe(exporter, "hosts", spelling)[0] == 200, spelling
    assert server.visits == 2


def test_lengths(start: Start, listener: Listening) -> None:
    """An address of more than 254 bytes, a local part of more than 64, and a domain of more
    than 253, are refused before any lookup or connection."""
    server = listener()
    exporter = start(CONFIGURATION.format(port=server.port, program="/bin/false"))
    label = "x" * 63
    for target in (
        f"{'a' * 65}@lab.test",
        f"{'é' * 33}@lab.test",
        f"a@{label}.{label}.{label}.{label}",
        f"a@{label}x.test",
    ):
        assert probe(exporter, "any", target)[0] == 400, target
    assert probe(exporter, "any", f"{'a' * 64}@{label}.{label}.{label}")[0] == 400
    assert probe(exporter, "hosts", f"{label}.{label}.{label}.{label}")[0] == 400
    assert server.visits == 0
