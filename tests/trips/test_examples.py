"""Every file in examples/ is run against the lab of real servers: only what is of the outside world
is replaced."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.app import App
from exporter.core.model import ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser
from tests.lab.facts import VICTIM
from tests.support.proxies import microsocks

DIRECTORY = Path(__file__).resolve().parents[2] / "examples"

OTHERS = {"prometheus.yml", "sharding.yml", "alertmanager.yml", "web.yml", "compose.yml"}
OTHERS |= {"grafana", "systemd", "kubernetes", "compose", "slo", "icinga", "zabbix"}
OTHERS |= {"places.yml", "receivers.yml", "receivers.tmpl"}
"""What may lie there and is no configuration of mailtrip."""

OF_PROVIDERS = {"microsoft365.yml", "microsoft365-graph.yml", "gmail.yml", "jmap.yml"}
"""These need the provider itself; trips with tokens are in tests/oauth2, those over JMAP in
test_jmap.py."""

SERVERS = {
    "imap.example.org": "imap.lab.test",
    "imap.example.net": "imap.lab.test",
    "pop.example.org": "imap.lab.test",
    "smtp.example.org": "relay.lab.test",
    "smtp.example.net": "relay.lab.test",
    "relay.example.net": "relay.lab.test",
    "mon.example.org": "mon.test",
    "monitor@mon.example.org": "monitor@mon.test",
    "probe@mon.example.org": "probe@mon.test",
    "0.0.0.0:2525": "{mon_ip}:2525",
    "/usr/sbin/sendmail": "{sendmail}",
    "192.0.2.53": "{dns}",
}
"""What means the same in all examples, and in the lab."""

PEOPLE = {
    "straight.yml": {"monitor@example.org": "{user}", "pop@example.org": "{other}"},
    "mx.yml": {"monitor@example.org": "{user}"},
    "forwarded.yml": {
        "mailtrip@example.org": "forward@lab.test",
        "mailtrip@example.net": "alias@lab.test",
    },
    "forwarded-mailbox.yml": {
        "mailtrip@example.org": "forward@lab.test",
        "watched@example.org": "alias@lab.test",
        "monitor@example.net": "monitor@lab.test",
        "probe@example.net": "{other}",
        "/home/monitor/Maildir": "{monitor_s_maildir}",
    },
    "relay.yml": {"monitor@example.org": "{user}", "probe@example.org": "{user}", "shop": "probe"},
    "lmtp.yml": {"monitor@example.org": "{user}"},
    "matrix.yml": {
        "monitor@example.org": "{user}",
        "monitor@example.net": "{other}",
        "probe@example.org": "{user}",
        "shop": "probe",
    },
    "certificate.yml": {
        "monitor@example.org": "{user}",
        "billing@example.org": "{user}",
        "/etc/mailtrip/client.crt": "{certificate}",
        "/etc/mailtrip/client.key": "{key}",
    },
    "proxy.yml": {
        "monitor@example.org": "{user}",
        "probe@example.org": "{user}",
        "socks5://proxy.example.net:1080": "socks5://{proxy}",
        # The proxy uses the system's resolver, which does not know the lab.
        "smtp.example.org": "{relay_ip}",
        "imap.example.org": "{imap_ip}",
    },
    "invoice.yml": {
        "monitor@example.org": "{user}",
        "billing@example.org": "{user}",
        **{f"/etc/mailtrip/invoice.{kind}": f"{{{kind}}}" for kind in ("txt", "html", "pdf")},
    },
    "sendmail.yml": {"monitor@example.org": "{user}"},
    "filters.yml": {
        "mx1.example.org": "mx1.lab.test",
        "probe@example.net": "probe@mon.test",
        "monitor@example.org": "{user}",
        "boss@example.org": VICTIM,
        "filed@example.org": "sorted@lab.test",
        "silent@example.org": "dropped@lab.test",
        "3m": "8s",
    },
    "tracing.yml": {
        "monitor@example.org": "{user}",
        "shop": "probe",
        "https://otlp.example.org:4318": "http://127.0.0.1:1",  # a trip needs no collector
    },
    "heartbeats.yml": {
        "reports@example.org": "{user}",
        "watchdog@mon.example.org": "monitor@mon.test",
    },
    "untouched.yml": {"mailtrip@example.org": "forward@lab.test"},
    "answered.yml": {
        "monitor@example.org": "{user}",
        "monitor+{trip}@example.org": "{user_of_a_trip}",
        "mailtrip@example.net": "away@lab.test",
    },
    "reputation.yml": {
        "192.0.2.1": "192.0.2.1",
        "relay.example.org": "relay.lab.test",
        "example.org": "lab.test",
        "zen.spamhaus.org": "blclean.lab.test",
        "bl.spamcop.net": "blall.lab.test",
        "psbl.surriel.com": "blerr.lab.test",
        "dnsbl-3.uceprotect.net": "bl.lab.test",
        "dbl.spamhaus.org": "dbl.lab.test",
    },
    "explained.yml": {
        "monitor": "{user}",
        "monitor@example.org": "{user}",
        "forwarded@example.org": "rewrite-full@lab.test",
        "probe@example.org": "{other}",
        "relay1.example.org": "relay.lab.test",
    },
}
"""Who they are, in each example. A file that is added needs a line here."""

INVOICE = {
    "txt": b"Good day,\n\nattached is our invoice no. 4711.\n",
    "html": b"<p>Good day,</p>\n<p>attached is our invoice no. <b>4711</b>.</p>\n",
    "pdf": b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 64,
}

PAGES = {
    "reputation.yml": "docs/blocklists.md",
    "invoice.yml": "docs/content.md",
    "certificate.yml": "docs/tls.md",
    "tracing.yml": "docs/tracing.md",
}
"""Where an example is explained, if not in docs/scenarios.md."""

FORWARDED_TO_DOVECOT = {"forwarded-mailbox.yml"}
"""Where mail for mon.test goes to the mailbox `monitor`, instead of to our receiver."""

PROBES = [
    (file, probe.name) for file in PEOPLE for probe in Settings.load(str(DIRECTORY / file)).probes
]
WITHOUT_BOUNCES = {"mx.yml", "lmtp.yml", "filters.yml", "reputation.yml", "explained.yml"}
WITHOUT_BOUNCES |= {"heartbeats.yml"}
PROBES_WITH_BOUNCES = [(file, name) for file, name in PROBES if file not in WITHOUT_BOUNCES]
FOREIGN = b"From: boss@lab.test\r\nSubject: please read\r\n\r\nThis is nobody's business.\r\n"


class Moved:
    """A configuration, moved into the lab."""

    def __init__(self, file: str, values: dict[str, str], ca: str) -> None:
        self._places = {old: new.format(**values) for old, new in (SERVERS | PEOPLE[file]).items()}
        self._password, self._ca = values["password"], ca
        self.replaced: set[str] = set()
        self.left: set[str] = set()
        text = (DIRECTORY / file).read_text(encoding="utf-8")
        self.data = {"resolver": {"nameservers": [values["dns"]]}} | self._moved(
            yaml.safe_load(text)
        )

    def _moved(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            added: dict[str, Any] = (
                {"ca_file": self._ca} if {"password", "client_certificate"} & set(value) else {}
            )
            added |= {"port": 2526} if "client_certificate" in value else {}  # of the lab's relay
            return {name: self._moved(one, name) for name, one in value.items()} | added
        if isinstance(value, list):
            return value if key == "targets" else [self._moved(one) for one in value]
        if str(value).startswith("/run/secrets/"):
            return self._password
        if value in self._places and key not in ("name", "module", "mailbox", "bounces"):
            self.replaced.add(value)
            return self._places[value]
        if "example." in str(value):
            self.left.add(value)
        return value


@pytest.fixture
def other_user(lab: Lab) -> Iterator[LabUser]:
    with lab.fresh_user() as user:
        yield user


@pytest.fixture(scope="module")
def proxy(servers: None) -> Iterator[str]:
    with microsocks() as place:
        yield place


@pytest.fixture
def places(
    lab: Lab,
    proxy: str,
    lab_user: LabUser,
    other_user: LabUser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    (tmp_path / "password").write_text(f"{lab.password}\n")
    for kind, content in INVOICE.items():
        (tmp_path / f"invoice.{kind}").write_bytes(content)
    monkeypatch.setenv("SMTP_PASSWORD", lab.password)
    return {
        "dns": lab.dns,
        "mon_ip": lab.mon_ip,
        "sendmail": lab.sendmail,
        "user": lab_user.address,
        "user_of_a_trip": f"{lab_user.name}+{{trip}}@lab.test",
        "other": other_user.address,
        **{kind: str(tmp_path / f"invoice.{kind}") for kind in INVOICE},
        "proxy": proxy,
        "relay_ip": lab.relay_ip,
        "imap_ip": lab.imap_ip,
        "certificate": f"{lab.directory}/etc/tls/idp.crt",
        "key": f"{lab.directory}/etc/tls/idp.key",
        "monitor_s_maildir": str(lab.user("monitor").maildir),
        "password": str(tmp_path / "password"),
    }


def test_every_example_is_run() -> None:
    unknown = {file.name for file in DIRECTORY.iterdir()} - OTHERS - OF_PROVIDERS - set(PEOPLE)
    assert not unknown, (
        f"say in PEOPLE who is who in examples/{unknown.pop()}, or in OTHERS that it is none of"
        " ours"
    )
    assert {name for name in PEOPLE if not (DIRECTORY / name).exists()} == set()


@pytest.mark.parametrize(("file", "name"), PROBES, ids=[f"{file}-{name}" for file, name in PROBES])
async def test_an_example_makes_its_trip(
    file: str, name: str, places: dict[str, str], lab: Lab, lab_user: LabUser, other_user: LabUser
) -> None:
    read = [lab_user, other_user]
    if file in FORWARDED_TO_DOVECOT:
        await asyncio.to_thread(lab.send_mon_to, "dovecot")
        await asyncio.to_thread(lab.user("monitor").purge)
        read.append(lab.user("monitor"))
    for user in read:
        user.deliver(FOREIGN)
    before = [user.mails() for user in read]

    moved = Moved(file, places, lab.ca)
    assert set(PEOPLE[file]) <= moved.replaced, "there is more in PEOPLE than in the file"
    assert not moved.left, f"say in PEOPLE or SERVERS what stands for {moved.left}"
    settings = Settings.parse(yaml.safe_dump(moved.data).encode(), file)
    (probe,) = (probe for probe in settings.probes if probe.name == name)
    async with asyncio.timeout(60), App(settings, Store.open(None), new_key()) as app:
        key = settings.key(probe.module, probe.target)
        outcome = await app.prober.start(app.probes.get_or_create(key))
    assert outcome.failure is None
    assert set(outcome.legs.values()) == (set() if settings.modules[probe.module].dnsbl else {True})
    assert [user.mails() for user in read] == before


@pytest.mark.parametrize(
    ("file", "name"), PROBES_WITH_BOUNCES, ids=["-".join(one) for one in PROBES_WITH_BOUNCES]
)
async def test_an_example_learns_at_once_that_its_message_was_returned(
    file: str, name: str, places: dict[str, str], lab: Lab
) -> None:
    settings = Settings.parse(yaml.safe_dump(Moved(file, places, lab.ca).data).encode(), file)
    (probe,) = (probe for probe in settings.probes if probe.name == name)
    async with asyncio.timeout(60), App(settings, Store.open(None), new_key()) as app:
        outcome = await app.prober.start(
            app.probes.get_or_create(ProbeKey(probe.module, "full@lab.test"))
        )
    assert outcome.failure is not None
    assert (outcome.failure.reason, outcome.failure.code) == (Reason.BOUNCED, "5.2.2")


@pytest.mark.parametrize("file", PEOPLE)
def test_an_example_says_what_to_do_beforehand_and_then(file: str) -> None:
    settings, text = (
        Settings.load(str(DIRECTORY / file)),
        (DIRECTORY / file).read_text(encoding="utf-8"),
    )
    if file == "explained.yml":  # the page of the options is built around it
        return
    head = text.partition("\n\n")[0].splitlines()
    assert all(line.startswith("#") for line in head)
    comment = " ".join(line.removeprefix("#").strip() for line in head)
    assert "Beforehand" in comment
    assert PAGES.get(file, "docs/scenarios.md") in comment
    assert (
        f"mailtrip check {file} && mailtrip probe --config.file {file} {settings.probes[0].name}"
        in comment
    )
    assert f"mailtrip serve --config.file {file}" in comment


def test_the_page_of_scenarios_shows_every_example_and_speaks_of_failures_in_mailtrip_s_words() -> (
    None
):
    page = (DIRECTORY.parent / "docs/scenarios.md").read_text(encoding="utf-8")
    assert {file for file in PEOPLE if f"(../examples/{file})" not in page} == set(PAGES)
    failures = re.findall(r"`([a-z]+)(?:/([a-z]+))?: ([a-z_]+)(?: [A-Z0-9.]+)?`", page)
    assert len(failures) > 30
    for phase, step, reason in failures:
        assert phase in list(Phase)
        assert step in ["", *Step]
        assert reason in list(Reason)
    drawings = [line for line in page.splitlines() if not set(line).isdisjoint("─▶◀")]
    assert max(map(len, drawings)) <= 100
