"""`mailtrip lookup`: three states, their exit statuses, and slips with their cure."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import dns.rcode
import pytest

from exporter.blocklists import catalogue
from exporter.commands import flags, lookup
from exporter.commands.exit_status import CannotStart
from tests.lab.client import Lab
from tests.support.broken_nameserver import Saying, names_server
from tests.support.name_server import name_server

LISTED, CLEAN, SPAMCOP = "9.9.9.9", "9.9.9.8", "bl.spamcop.net"
TESTS = ("2.0.0.127.", "dbltest.com.", "test.uribl.com.", "surbl-org-permanent-test-point.com.")
LAB = ("--list", "bl.lab.test", "--list", "blall.lab.test", "--list", "blerr.lab.test")


def world(known: Mapping[tuple[str, str], list[str]], tests: str = "") -> Saying:
    """In which every free list works, or answers its tests with `tests`."""

    def say(name: str, kind: str) -> list[str] | dns.rcode.Rcode:
        if kind == "A" and name.startswith(TESTS):
            domains = {"dbltest.com.dbl": "127.0.1.2", "surbl": "127.0.0.8"}
            own = next((code for zone, code in domains.items() if name.startswith(zone)), "")
            return [tests or own or "127.0.0.2"]
        exists = name in catalogue.zones()
        return known.get((name, kind), [] if exists else dns.rcode.NXDOMAIN)

    return say


WORLD = world(
    {
        ("9.9.9.9.bl.spamcop.net", "A"): ["127.0.0.2"],
        ("9.9.9.9.bl.spamcop.net", "TXT"): ['"Blocked,\\027[2J see"'],
        ("mail.example.com", "A"): [LISTED, "10.1.2.3"],
        ("mail.example.com", "MX"): [],
        ("mail.example.com", "AAAA"): [],
    }
)


async def command(*words: str) -> tuple[int, str, str]:
    """Its status, and what it says on both streams."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "exporter", "lookup", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    out, err = await running.communicate()
    return running.returncode or 0, out.decode(), err.decode()


@pytest.mark.slow
async def test_listed_not_listed_and_unknown_have_a_line_and_a_status() -> None:
    async with names_server(WORLD) as server:
        resolver = ("--nameserver", server.address)
        listed, clean, several, document = await asyncio.gather(
            command(*resolver, LISTED),
            command(*resolver, CLEAN),
            command(*resolver, CLEAN, "Mail.Example.com.", CLEAN),
            command(*resolver, "--json", "mail.example.com"),
        )
    async with name_server({"x": {}}) as knows_nothing:
        unknown = await command("--nameserver", knows_nothing, CLEAN)

    status, out, err = listed
    assert (status, err) == (1, "")
    head, first, reason, cure, *_ = out.splitlines()
    assert head == "9.9.9.9: listed by 1 of 10 lists that answered"
    assert " ".join(first.split()) == f"{SPAMCOP} listed 127.0.0.2 mail from it was reported"
    assert reason.strip() == "Blocked, [2J see"
    assert cure.strip() == "delisting: https://www.spamcop.net/bl.shtml"
    assert out.splitlines()[-1] == "LISTED      9.9.9.9: 9.9.9.9 by bl.spamcop.net"

    assert clean[0] == 0
    assert clean[1].splitlines()[-1] == "NOT LISTED  9.9.9.8"
    assert "note:" not in clean[1]

    assert several[0] == 1
    assert several[1].splitlines()[-3:] == [
        "note: 10.1.2.3: not public, so no public list was asked: it knows nothing about it, and"
        " need not know that it exists",
        "NOT LISTED  9.9.9.8",
        "LISTED      mail.example.com: 9.9.9.9 by bl.spamcop.net",
    ]
    assert "9.9.9.9, address of mail.example.com: listed by" in several[1]

    assert document[0] == 1
    found = json.loads(document[1])
    assert [found["state"], found["nameservers"]] == ["listed", [server.address]]
    (one,) = found["lookups"]
    subjects = {about["subject"]: about["answers"] for about in one["subjects"]}
    assert subjects.keys() == {"mail.example.com", LISTED, "10.1.2.3"}
    assert [one["what"], one["state"], one["resolver"]] == ["mail.example.com", "listed", None]
    (spamcop,) = [answer for answer in subjects[LISTED] if answer["blocklist"] == SPAMCOP]
    assert [spamcop["state"], spamcop["codes"]] == ["listed", ["127.0.0.2"]]

    assert unknown[0] == 3
    assert unknown[1].splitlines()[-1] == "UNKNOWN     9.9.9.8: no list answered"
    assert (
        f"note: no list is usable: the cause is probably the resolver, asked {knows_nothing}"
        in (unknown[1])
    )


@pytest.mark.slow
@pytest.mark.parametrize("refusal", ["127.255.255.254", "8.8.8.8", "127.0.0.1"])
async def test_a_refusal_or_a_rewritten_answer_is_unknown(refusal: str) -> None:
    lists = {(f"9.9.9.9.{zone}", "A"): [refusal] for zone in ("zen.spamhaus.org", SPAMCOP)}
    async with names_server(world(lists, tests=refusal)) as server:
        status, out, _ = await command("--nameserver", server.address, LISTED)
    assert status == 3
    assert out.splitlines()[-1] == "UNKNOWN     9.9.9.9: no list answered"
    words = {
        "127.255.255.254": "note: refused by zen.spamhaus.org, bl.spamcop.net, b.barracudacentral",
        "8.8.8.8": "a resolver rewrites it, or the zone has a new owner",
        "127.0.0.1": "127.0.0.1 is never a listing",
    }
    assert words[refusal] in out


@pytest.mark.slow
async def test_a_server_that_never_answers_is_unknown_and_soon(tmp_path: Path) -> None:
    file = tmp_path / "resolver.yml"
    file.write_text("resolver: {timeout: 500ms}\n")
    async with name_server({}, silent=True) as address:
        words = ("--config.file", str(file), "--nameserver", address, CLEAN)
        status, out, _ = await asyncio.wait_for(command(*words), 30)
    assert (status, "no answer in time" in out) == (3, True)


@pytest.mark.slow
async def test_in_the_lab_the_lists_of_the_command_line_are_asked(lab: Lab) -> None:
    """Real lists behind a real resolver: one lists everything, one refuses."""
    listed, alone = await asyncio.gather(
        command("--nameserver", lab.dns, *LAB, lab.mx_ip, "2001:db8::1"),
        command("--nameserver", lab.dns, *LAB[2:], lab.mx_ip),
    )
    assert listed[0] == 1
    assert listed[1].splitlines()[-2:] == [
        f"LISTED      {lab.mx_ip}: {lab.mx_ip} by bl.lab.test",
        "UNKNOWN     2001:db8::1: no list is asked about it",
    ]
    assert "it lists 127.0.0.1, which no list may list" in listed[1]
    assert alone[0] == 3


@pytest.mark.slow
async def test_a_configuration_gives_its_lists_and_its_resolver(tmp_path: Path) -> None:
    file = tmp_path / "lists.yml"
    known = {("2.0.0.127.k3y.bl.example", "A"): ["127.0.0.2"]}
    async with names_server(lambda name, kind: known.get((name, kind), dns.rcode.NXDOMAIN)) as dns_:
        file.write_text(
            f"resolver: {{nameservers: ['{dns_.address}']}}\n"
            "modules: {r: {dnsbl: {lists: [{zone: '{key}.bl.example', key: k3y}]}}}\n"
        )
        status, out, err = await command("--config.file", str(file), "10.1.2.3")
    assert (status, err) == (0, "")
    assert "bl.example  not listed" in out
    assert "k3y" not in out
    status, out, err = await command("--config.file", str(tmp_path / "nowhere.yml"), CLEAN)
    assert (status, out) == (2, "")
    assert "nowhere.yml" in err


def look_up(*words: str) -> int:
    return lookup.run(flags.read(["lookup", "--nameserver", "127.0.0.1:1", *words]))


SLIPS: dict[str, tuple[str, ...]] = {
    "a URL: look up its host, example.org": ("https://example.org/x?y",),
    "an e-mail address: look up its domain, example.org": ("<a@Example.org>",),
    "a network: look up single addresses, such as 192.0.2.1": ("192.0.2.0/24",),
    "a network: look up single addresses, such as 2001:db8::1": ("2001:db8::/32",),
    "not a host: look up example.org": ("example.org/x",),
    "write it without the port: example.org": ("example.org:25",),
    "write it without the port: 2001:db8::1": ("[2001:db8::1]:25",),
    "not a public address, so no list knows it": ("10.1.2.3",),
    "'fd00::5:1': not a public address": ("fd00::5:1",),
    "'224.0.0.1': not a public address": ("224.0.0.1",),
    "a single word: write the whole name": ("relay",),
    "a name for private use, so no list knows it": ("mail.corp",),
    "write the address without its zone": ("fe80::1%eth0",),
    "'192.0.2.300': not a host; write a name": ("192.0.2.300",),
    "33 names at once: lists limit the number of queries": tuple(f"9.9.9.{n}" for n in range(33)),
    "'zen': not a zone; write a name": ("--list", "zen", CLEAN),
    "--list: other users can see a key": ("--list", "abc123.zen.dq.spamhaus.net", CLEAN),
    "can see a key on the command line": ("--list", "{key}.zen.dq.spamhaus.net", CLEAN),
    "--nameserver: not a nameserver; write an IP": ("--nameserver", "dns.example.org", CLEAN),
}


@pytest.mark.parametrize(("said", "words"), SLIPS.items(), ids=[*SLIPS])
def test_a_slip_is_answered_with_one_line_and_the_cure(said: str, words: tuple[str, ...]) -> None:
    with pytest.raises(CannotStart) as refused:
        look_up(*words)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "abc123" not in str(refused.value)


def test_of_several_slips_each_has_its_line_and_nothing_is_asked() -> None:
    with pytest.raises(CannotStart) as refused:
        look_up("a@example.org", CLEAN, "10.1.2.3")
    lines = str(refused.value).split("\nmailtrip: ")
    assert [line.partition(":")[0] for line in lines] == ["'a@example.org'", "'10.1.2.3'"]


def test_a_list_of_ones_own_may_know_what_is_private() -> None:
    assert look_up("--list", "bl.office.internal", "10.1.2.3") == 3  # nothing answers


NEEDED_BY_NO_LOOKUP = (
    *("aiohttp", "cryptography", "jinja2", "sqlite3", "rich", "prometheus_client", "aiosmtplib"),
    *("exporter.settings", "exporter.app", "exporter.checks", "exporter.mail", "exporter.web"),
)


@pytest.mark.slow
def test_it_imports_only_what_it_needs() -> None:
    code = (
        "import sys; from exporter.__main__ import main\n"
        "sys.argv[1:] = ['lookup', '--json', '--nameserver', '127.0.0.1:1', '9.9.9.8']\n"
        "try: main()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert not set(NEEDED_BY_NO_LOOKUP) & set(done.stderr.split())
