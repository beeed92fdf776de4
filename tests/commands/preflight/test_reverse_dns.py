"""What `mailtrip check --try` remarks on how we look to servers that do not know us, and on who can
be reached."""

import re
import socket
from pathlib import Path

import pytest

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.remark import Remark, Risk
from exporter.commands.preflight.report import lines
from exporter.commands.preflight.reverse_dns import is_public, of_address, remarks
from exporter.config.server import NetworkOptions
from exporter.net.dns.resolver import Resolver
from exporter.net.tcp import source_towards
from tests.commands.test_cli import mailtrip
from tests.lab.client import Lab

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  own: {{smtpd: {{listen: "127.0.0.1:2525", recipients: [a@mon.test]}}}}
modules:
  good: &module
    session_timeout: 5s
    roundtrip: &trip
      from: a@mon.test
      send: {{mx: &mx {{source_address: {mon}, ehlo_name: mx.mon.test}}}}
      mailbox: own
  nameless:
    <<: *module
    roundtrip: {{<<: *trip, send: {{mx: {{source_address: {dead}, ehlo_name: nobody.mon.test}}}}}}
  misnamed: {{<<: *module, roundtrip: {{<<: *trip, send: {{mx: {{<<: *mx,
      source_address: {misnamed}}}}}}}}}
"""
RELAY = (
    "  relay: {<<: *module, roundtrip: {<<: *trip, send: {smtp: {host: relay.lab.test, port:"
    " 25}}}}\n"
)


def tried(lab: Lab, directory: Path, *probes: tuple[str, str]) -> tuple[int, list[str]]:
    """The exit code, and what is said of these modules and domains. A relay needs no domain: it is
    always tried."""
    text = CONFIGURATION.format(
        dns=lab.dns, mon=lab.mon_ip, dead=lab.dead_ip, misnamed=lab.misnamed_ip
    )
    text += (RELAY if "relay" in dict(probes) else "") + "probes:\n"
    for module, domain in probes:
        text += f"  - {{name: {module}-{domain}, module: {module}, target: probe@{domain}}}\n"
    (directory / "mailtrip.yml").write_text(text)
    done = mailtrip("check", "--try", "mailtrip.yml", directory=directory)
    assert done.stderr == ""
    shown = done.stdout.splitlines()[2:]  # the file, the mailbox
    return done.returncode, [line for line in shown if not line.startswith("-  ")]


def test_an_address_with_a_name_that_leads_back_gives_no_remark(lab: Lab, tmp_path: Path) -> None:
    code, (line,) = tried(lab, tmp_path, ("good", "lab.test"))
    assert code == 0
    assert line.startswith("OK      module good (lab.test): ")


def test_what_receivers_mind_is_remarked_once_and_is_no_failure(lab: Lab, tmp_path: Path) -> None:
    code, shown = tried(
        lab, tmp_path, ("nameless", "lab.test"), ("nameless", "nomx.test"), ("misnamed", "lab.test")
    )
    assert code == 0
    good, nameless, greeting, again, good_too, misnamed = shown
    assert all(line.startswith("OK      module") for line in (good, again, good_too))
    assert nameless.startswith(
        f"        note: mail leaves from {lab.dead_ip}, which has no PTR record. "
    )
    assert greeting.startswith(
        "        note: the EHLO name nobody.mon.test does not exist in DNS. "
    )
    assert misnamed.startswith(
        f"        note: mail leaves from {lab.misnamed_ip}. Its PTR record is mx.mon.test, which "
    )


def test_one_dead_exchanger_is_no_blocked_port(lab: Lab, tmp_path: Path) -> None:
    code, (good, note) = tried(lab, tmp_path, ("good", "deadfirst.test"))
    assert code == 0
    assert good.startswith("OK      module good (deadfirst.test): ")
    assert note.startswith(
        "        note: dead.lab.test:25 cannot be reached. mx1.lab.test:25 can be reached, so"
        " mail arrives"
    )


def test_when_no_exchanger_answers_the_network_is_suspected(lab: Lab, tmp_path: Path) -> None:
    code, (failed, note, relay) = tried(
        lab, tmp_path, ("good", "alldead.test"), ("relay", "lab.test")
    )
    assert code == 1
    assert failed.startswith("FAILED  module good (alldead.test): send/connect: connect: ")
    assert note.startswith(
        "        note: no exchanger can be reached (tried dead.lab.test:25, mx2.lab.test:25). Many "
    )
    assert (
        "block outgoing port 25. To find out, run `telnet dead.lab.test 25` here and elsewhere."
        in note
    )
    assert relay.startswith("OK"), (
        "a relay that answers on port 25 says nothing of the way to strangers"
    )


def test_when_other_exchangers_answer_the_network_is_not_suspected(
    lab: Lab, tmp_path: Path
) -> None:
    code, (failed, note, good) = tried(
        lab, tmp_path, ("good", "alldead.test"), ("good", "lab.test")
    )
    assert (code, failed[:6], good[:2]) == (1, "FAILED", "OK")
    assert (
        "The network does not block port 25, because mx1.lab.test:25 can be reached: these servers"
        " are down" in note
    )


def test_each_of_several_silent_exchangers_has_its_time(lab: Lab, tmp_path: Path) -> None:
    """Together they take longer than one attempt may elsewhere: 5 s more than session_timeout."""
    text = CONFIGURATION.format(
        dns=lab.dns, mon=lab.mon_ip, dead=lab.dead_ip, misnamed=lab.misnamed_ip
    )
    with socket.create_server((lab.dead_ip, 0)) as silent:  # dead.lab.test and mx2.lab.test
        text = text.replace("session_timeout: 5s", "session_timeout: 6s")
        text = text.replace("&mx {", f"&mx {{port: {silent.getsockname()[1]}, ")
        text += "probes: [{name: a, module: good, target: probe@alldead.test}]\n"
        (tmp_path / "mailtrip.yml").write_text(text)
        done = mailtrip("check", "--try", "mailtrip.yml", directory=tmp_path)
    assert done.returncode == 1
    failed = next(line for line in done.stdout.splitlines() if line.startswith("FAILED"))
    assert re.search(
        r"\(alldead\.test\): send/greeting: timeout: no answer from (dead|mx2)\.lab\.test within"
        r" 6 s$",
        failed,
    )


@pytest.mark.parametrize("source", ["10.1.2.3", "127.0.0.1", "100.64.0.1", "fd00::1", "fe80::1"])
async def test_behind_nat_nobody_can_tell(source: str) -> None:
    outside = "2a00:1450::1b" if ":" in source else "142.250.1.27"
    assert await of_address(source, outside, Resolver(["127.0.0.1:1"])) == [
        Remark(Risk.HIDDEN, source)
    ]
    _, note = lines(Attempt("module a", "example.org", remarks=(Remark(Risk.HIDDEN, source),)))
    assert (
        f"mail leaves from {source}, a private address. Receivers see the public address of"
        " your NAT" in note
    )


async def test_a_resolver_that_does_not_answer_is_said_so(lab: Lab) -> None:
    network = NetworkOptions(source_address=lab.mon_ip)
    (remark,) = await remarks(
        lab.mx_ip, network, "mx.mon.test", Resolver([lab.silent_dns], timeout=0.3)
    )
    assert remark.risk is Risk.UNANSWERED
    assert "within 0.3 s" in remark.about


async def test_an_address_in_place_of_a_name_is_remarked(lab: Lab) -> None:
    network = NetworkOptions(source_address=lab.mon_ip)
    found = await remarks(lab.mx_ip, network, "[127.0.0.1]", Resolver([lab.dns]))
    assert found == [Remark(Risk.GREETS_BARE, "[127.0.0.1]")]


async def test_servers_of_our_own_network_are_no_strangers(lab: Lab) -> None:
    resolver = Resolver([lab.dns])
    assert await is_public("142.250.1.27", resolver)
    for own in ("10.1.2.3", "relay.lab.test", "nowhere.lab.test"):
        assert not await is_public(own, resolver)


def test_the_address_that_we_would_come_from_is_the_one_that_a_connection_has() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert source_towards("127.0.0.1") == client.getsockname()[0]
    assert source_towards("127.0.0.1", "127.0.0.2") == "127.0.0.2"
    assert source_towards("127.0.0.1", "::1") == "", "there is no way from the one to the other"
