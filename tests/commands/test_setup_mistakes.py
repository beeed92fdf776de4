"""What is wrong with the set-up, and not with mail: said by each command as soon as it can be
known."""

import json
import re
import socket
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from exporter.commands.exit_status import CannotStart
from exporter.commands.serve import check_embedded
from exporter.settings import Settings
from tests.commands.test_cli import CONFIGURATION, mailtrip
from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

OWN = """\
mailboxes: {own: {smtpd: {listen: "127.0.0.1:%(port)s", recipients: [self@mon.example.org]}}}
modules:
  self:
    timeout: 20s
    session_timeout: 10s
    roundtrip:
      from: probe@mon.example.org
      send: {smtp: {host: 127.0.0.1, port: %(port)s, tls: none%(more)s}}
      mailbox: own
probes: [{name: me, module: self, target: self@mon.example.org}]
"""
SECRET = ", username: u, password: {file: secret}"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "mailtrip.yml").write_text(OWN % {"port": free_port(), "more": SECRET})
    return tmp_path


def test_a_missing_file_is_a_mistake_unless_it_is_for_another_machine(directory: Path) -> None:
    done = mailtrip("check", "mailtrip.yml", directory=directory)
    said = (
        f"modules.self.roundtrip.send.smtp.password: cannot read the secret in {directory}/secret:"
        " No such file or directory"
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("mailtrip.yml:8:")
    assert line.endswith(said)
    elsewhere = mailtrip("check", "--syntax-only", "mailtrip.yml", directory=directory)
    assert (elsewhere.returncode, elsewhere.stderr) == (0, "")
    assert elsewhere.stdout == "mailtrip.yml: OK: modules: 1, mailboxes: 1, probes: 1\n"


def test_warnings_stand_beside_what_is_good(directory: Path) -> None:
    (directory / "secret").write_text("hunter2 \n")
    done = mailtrip("check", "mailtrip.yml", directory=directory)
    assert (done.returncode, done.stdout) == (
        0,
        "mailtrip.yml: OK: modules: 1, mailboxes: 1, probes: 1, warnings: 1\n",
    )
    (line,) = done.stderr.splitlines()
    assert (
        ": warning: modules.self.roundtrip.send.smtp.password: secret begins or ends with a blank"
        in line
    )


@pytest.mark.parametrize("content", [None, "", "\n", "\ufeff\n"])
def test_a_secret_that_cannot_be_had_is_no_verdict_about_mail(
    directory: Path, content: str | None
) -> None:
    if content is not None:
        (directory / "secret").write_text(content)
    done = mailtrip("probe", "--config.file", "mailtrip.yml", "me", "--json", directory=directory)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert (
        f"cannot read the secret in {directory}/secret:"
        if content is None
        else "the file secret is empty"
    ) in line


def test_a_receiver_that_another_process_has_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "mailtrip.yml").write_text(OWN % {"port": port, "more": ""})
        before = time.monotonic()
        done = mailtrip("probe", "--config.file", "mailtrip.yml", "me", directory=tmp_path)
        assert time.monotonic() - before < 18, "shorter than the module's timeout"
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"mailtrip: cannot listen on 127.0.0.1:{port}: address already in use. `mailtrip"
    )
    assert "/probe?module=self&target=self%40mon.example.org" in line
    assert "run this command as one of them" in line


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Exporter]:
    text = CONFIGURATION % {"receiver": free_port()}
    exporter = Exporter(
        text.replace("session_timeout: 1s", "session_timeout: 1s\n    timeout: 1s", 1), tmp_path
    )
    try:
        yield exporter
    finally:
        exporter.kill()


def test_serve_tells_in_its_log_what_check_says_and_goes_on(served: Exporter) -> None:
    missing = "the environment variable MAILTRIP_TEST_PASSWORD is not set"
    served.wait_for('mailtrip_trips_total{probe="me"}')
    log = served.log.read_text()
    assert (
        len(
            re.findall(
                rf"WARNING {served.file}:2:[0-9]+: mailboxes.dead.imap.password: {missing}\n", log
            )
        )
        == 1
    )
    assert log.count("warning: modules.self.timeout: is not longer than session_timeout, 1s") == 1
    head = log.index("; see http://")
    assert head < log.index("WARNING"), "where to look comes first"
    assert f"; state in {served.file.parent}/state; see http://{served.address}/\n" in log
    mended = (
        served.file.read_text()
        .replace("\n    timeout: 1s", "\n    timeout: 2s")
        .replace("{env: ", "{file: /")
    )
    served.configure(mended)
    assert served.reload()[0] == 200
    again = served.log.read_text()[len(log) :]
    assert (
        "mailboxes.dead.imap.password: cannot read the secret in /MAILTRIP_TEST_PASSWORD" in again
    )
    assert "session_timeout" not in again


def test_serve_says_where_to_look_only_when_it_answers_there(tmp_path: Path) -> None:
    (tmp_path / "mailtrip.yml").write_text(OWN % {"port": free_port(), "more": ""})
    serve = ("serve", "--config.file", "mailtrip.yml")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = mailtrip(*serve, "--web.listen-address", address, directory=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr.splitlines()[-1]
        == f"mailtrip: cannot listen on {address}: address already in use"
    )
    (tmp_path / "file").write_text("")
    done = mailtrip(*serve, "--state.dir", "file", directory=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


async def test_a_second_mailtrip_without_a_configuration_ends_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        text = (
            (resources.files("exporter.config") / "embedded.yml")
            .read_text(encoding="utf-8")
            .replace("10926", port)
        )
        said = (
            f"^cannot listen on 127.0.0.1:{port}: address already in use: another mailtrip without"
            " a configuration"
        )
        with pytest.raises(CannotStart, match=said):
            await check_embedded(Settings.parse(text.encode(), "embedded.yml"))
    await check_embedded(Settings.parse(text.encode(), "embedded.yml"))


def test_a_target_that_is_no_utf_8_is_refused_at_once(directory: Path) -> None:
    done = mailtrip("probe", "--config.file", "mailtrip.yml", "\udcff", directory=directory)
    assert (done.returncode, done.stdout) == (2, "")
    assert "must be UTF-8" in done.stderr


def test_json_is_still_json_after_a_failure(directory: Path) -> None:
    (directory / "secret").write_text("hunter2\n")
    done = mailtrip("probe", "--config.file", "mailtrip.yml", "me", "--json", directory=directory)
    assert done.returncode == 1  # the receiver offers no login
    assert json.loads(done.stdout)["failure"]["step"] == "auth"
