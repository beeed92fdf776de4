"""What a running mailtrip shows of a heartbeat over HTTP."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from exporter.core.timing.clock import Clock
from tests.support.heartbeat_rig import report
from tests.support.maildir_rig import Maildir
from tests.support.mailtrip_process import Exporter

pytestmark = pytest.mark.slow
CONFIGURATION = """
mailboxes:
  reports: {{maildir: {{path: {path}}}}}
modules:
  nightly: {{interval: 2s, heartbeat: {{mailbox: reports, from: "backup@*", every: 26h}}}}
  other: {{interval: 2s, heartbeat: {{mailbox: reports, from: "{{target}}", every: 26h}}}}
probes:
  - {{name: backup, module: nightly}}
"""
LAST = "mailtrip_heartbeat_last_timestamp_seconds"


def test_the_last_one_is_shown_everywhere_and_no_target_is_needed(tmp_path: Path) -> None:
    came = int(Clock().wall())
    Maildir(tmp_path / "Maildir").deliver(report(), second=came)
    text = CONFIGURATION.format(path=tmp_path / "Maildir")
    exporter = Exporter(text, tmp_path / "mailtrip", "--web.enable-admin-api")
    try:
        assert exporter.wait_for(LAST, "/probe?module=nightly") == came
        assert exporter.series("/probe?module=nightly")["probe_success"] == 1
        assert exporter.wait_for(f'{LAST}{{probe="backup"}}') == came
        line = "from backup@host.example: Nightly backup finished, in INBOX; the next one is due by"
        assert line in exporter.get("/")
        assert line in exporter.get("/trips?module=nightly")
        assert "last heartbeat" in exporter.get("/probe?module=nightly&debug=true")
        (probe,) = json.loads(exporter.get("/api/v1/probes?name=backup"))["items"]
        assert (probe["target"], probe["state"]) == ("reports", "ok")
        trip = json.loads(exporter.get(f"/api/v1/trips/{probe['newest']['trip']}"))
        (fact,) = [one for one in trip["facts"] if one["fact"] == "heartbeat"]
        assert (fact["last_at"], fact["sender"]) == (came, "backup@host.example")
        page = exporter.get(f"/trips/{probe['newest']['trip']}")
        assert "next one due by" in page
        body = json.dumps({"module": "nightly"}).encode()
        request = urllib.request.Request(
            f"http://{exporter.address}/api/v1/trips",
            body,
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status in (200, 202)
        with pytest.raises(urllib.error.HTTPError) as refused:
            exporter.get("/probe?module=other")
        with refused.value as answer:
            assert "parameter target is missing" in answer.read().decode()
    finally:
        exporter.kill()
