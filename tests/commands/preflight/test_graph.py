"""`mailtrip check --try` on a mailbox and a sender of Microsoft Graph."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.commands.test_cli import mailtrip
from tests.support.graph_service import GraphService, Says

pytestmark = pytest.mark.slow


@pytest.fixture
def service(tmp_path: Path) -> Iterator[GraphService]:
    one = GraphService(tmp_path)
    yield one
    one.close()


def tried(service: GraphService, directory: Path) -> tuple[int, str]:
    trip = {
        "from": service.user,
        "send": {"graph": service.options()},
        "mailbox": "monitor",
    }
    configuration = {
        "mailboxes": {"monitor": {"graph": service.options()}},
        "modules": {"graph": {"session_timeout": "5s", "roundtrip": trip}},
        "probes": [{"name": "graph", "module": "graph", "target": service.user}],
    }
    file = directory / "mailtrip.yml"
    file.write_text(yaml.safe_dump(configuration))
    done = mailtrip("check", "--try", str(file), directory=directory)
    return done.returncode, done.stdout + done.stderr


def test_both_are_tried_and_nothing_is_sent(service: GraphService, tmp_path: Path) -> None:
    code, said = tried(service, tmp_path)
    assert code == 0, said
    place = f"monitor@lab.test at 127.0.0.1:{service.port}"
    assert f"mailbox monitor ({place}): " in said
    assert f"module graph ({place}): " in said
    assert "TLSv1.3" in said
    assert not service.received


def test_a_missing_permission_is_named(service: GraphService, tmp_path: Path) -> None:
    service.acts["send_mail"] = Says(403, "ErrorAccessDenied", "Access is denied.")
    service.acts["folder"] = Says(403, "ErrorAccessDenied", "Access is denied.")
    code, said = tried(service, tmp_path)
    assert code == 1, said
    assert "open/select: auth 403" in said
    assert "send/data: auth 403" in said
    assert "the application needs a permission for this mailbox" in " ".join(said.split())
