"""Our verdicts beside those of rspamd and OpenDKIM, on the same messages, with the same DNS."""

import asyncio
import json
import re
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exporter.authentication import Authenticator
from exporter.core.clock import Clock
from exporter.net.dns import Resolver
from exporter.net.dns_answer import DnsResult
from exporter.net.dns_queries import DnsQueries
from tests.authentication.referee_cases import Case, made
from tests.support.name_server import Zone, name_server
from tests.support.ports import free_port

TEMPLATES = Path(__file__).resolve().parents[1] / "lab/templates/etc/rspamd"
RSPAMD = """
options {{
  pidfile = "{dir}/pid"; tempdir = "{dir}"; hs_cache_dir = "{dir}"; stats_file = "{dir}/stats.ucl";
  cache_file = "{dir}/symbols.cache"; control_socket = "{dir}/control mode=0600";
  url_tld = "{templates}/tld.dat"; filters = "dkim"; local_addrs = []; disable_hyperscan = true;
  dns {{ timeout = 10s; retransmits = 3; nameserver = ["{dns}"]; }}
}}
logging {{ type = "file"; filename = "{dir}/log"; level = "warning"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
actions {{ reject = null; add_header = null; greylist = null; rewrite_subject = null; }}
lua = "{templates}/rules.lua";
modules {{
  path = "/usr/share/rspamd/plugins/spf.lua";
  path = "/usr/share/rspamd/plugins/dmarc.lua";
  path = "/usr/share/rspamd/plugins/arc.lua";
}}
metric {{}}
spf {{ check_local = true; check_authed = true; }}
dkim {{ check_local = true; check_authed = true; }}
dmarc {{ check_local = true; check_authed = true; }}
arc {{ check_local = true; check_authed = true; }}
"""
SYMBOLS: Mapping[str, Mapping[str, str]] = {
    "spf": {
        "R_SPF_ALLOW": "pass",
        "R_SPF_FAIL": "fail",
        "R_SPF_SOFTFAIL": "softfail",
        "R_SPF_NEUTRAL": "neutral",
        "R_SPF_NA": "none",
        "R_SPF_DNSFAIL": "temperror",
        "R_SPF_PERMFAIL": "permerror",
    },
    "dkim": {
        "R_DKIM_ALLOW": "pass",
        "R_DKIM_REJECT": "fail",
        "R_DKIM_NA": "none",
        "R_DKIM_TEMPFAIL": "temperror",
        "R_DKIM_PERMFAIL": "permerror",
    },
    "dmarc": {
        "DMARC_POLICY_ALLOW": "pass",
        "DMARC_POLICY_REJECT": "fail",
        "DMARC_POLICY_QUARANTINE": "fail",
        "DMARC_POLICY_SOFTFAIL": "fail",
        "DMARC_NA": "none",
        "DMARC_DNSFAIL": "temperror",
        "DMARC_BAD_POLICY": "permerror",
    },
    "arc": {
        "ARC_ALLOW": "pass",
        "ARC_REJECT": "fail",
        "ARC_INVALID": "fail",
        "ARC_NA": "none",
        "ARC_DNSFAIL": "temperror",
    },
}
"""What rspamd says, in the words of RFC 8601."""

EXPLAINED = {
    ("spf two records", "rspamd"): "RFC 7208 section 4.5: permerror. rspamd takes one of them",
    ("spf syntax error", "rspamd"): "RFC 7208 section 4.6: permerror. rspamd ignores the term",
    ("spf eleven look-ups", "rspamd"): "RFC 7208 section 4.6.4: permerror. rspamd allows 30",
    ("spf three void look-ups", "rspamd"): "RFC 7208 section 4.6.4: permerror, a SHOULD",
    ("spf include without a record", "rspamd"): "RFC 7208 section 5.2: permerror",
    ("dmarc two records", "rspamd"): "RFC 9989 section 4.10: both are discarded",
    ("dkim expired", "rspamd"): "RFC 6376 section 3.5: rspamd does not report the signature",
    ("dkim key gone", "opendkim"): "RFC 6376 section 6.1.2: PERMFAIL, which OpenDKIM calls fail",
    ("dkim key empty", "opendkim"): "RFC 6376 section 6.1.2: PERMFAIL, which OpenDKIM calls fail",
    ("dkim slow", "opendkim"): "RFC 6376 section 6.1.2: OpenDKIM defers the message",
}
"""The differences, with the section that decides them."""

LEAST_SAME = 46  # cases in which a referee comes to our verdict


def text(record: str) -> str:
    """A TXT record in a zone file."""
    return " ".join(f'"{record[n : n + 200]}"' for n in range(0, len(record), 200))


def zone_of(cases: Mapping[str, Case]) -> Zone:
    zone: dict[str, dict[str, list[str]]] = {}
    for case in cases.values():
        for name, types in case.zone.items():
            zone[name] = {}
            for kind, found in types.items():
                if isinstance(found, DnsResult):
                    zone[name]["RCODE"] = ["SERVFAIL"]
                else:
                    zone[name][kind] = [text(one) if kind == "TXT" else one for one in found]
    return zone


@asynccontextmanager
async def rspamd(directory: Path, dns: str) -> AsyncIterator[str]:
    """rspamd's address."""
    port = free_port()
    configuration = directory / "rspamd.conf"
    configuration.write_text(
        RSPAMD.format(dir=directory, templates=TEMPLATES, dns=dns, port=port), encoding="utf-8"
    )
    process = await asyncio.create_subprocess_exec(
        *("rspamd", "-f", "-i", "-c", str(configuration)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}/checkv2"
    finally:
        process.terminate()
        await process.wait()


async def by_rspamd(address: str, case: Case) -> dict[str, set[str]]:
    """The results by method. It may take a while to start."""
    headers = {
        "IP": case.client.address,
        "Helo": case.client.helo,
        "From": case.client.sender or "<>",
    }
    request = urllib.request.Request(address, data=case.raw, headers=headers)
    for _ in range(300):
        try:
            answer = await asyncio.to_thread(urllib.request.urlopen, request, timeout=60)
        except ConnectionError:
            await asyncio.sleep(0.1)
        except OSError as error:
            if not isinstance(getattr(error, "reason", None), ConnectionError):
                raise
            await asyncio.sleep(0.1)
        else:
            symbols = json.loads(await asyncio.to_thread(answer.read))["symbols"]
            return {
                method: {words[symbol] for symbol in symbols if symbol in words}
                for method, words in SYMBOLS.items()
            }
    raise AssertionError("rspamd does not answer")


async def by_opendkim(directory: Path, dns: str, case: Case) -> str:
    """Its result for DKIM."""
    configuration, message = directory / "opendkim.conf", directory / "message.eml"
    host, _, port = dns.rpartition(":")
    configuration.write_text(f"Mode v\nNameservers {host}@{port}\nSyslog no\nDNSTimeout 30\n")
    message.write_bytes(case.raw)
    process = await asyncio.create_subprocess_exec(
        *("opendkim", "-x", str(configuration), "-t", str(message), "-vv"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    results = re.findall(r"\bdkim=(\w+)", said)
    return "pass" if "pass" in results else next(iter(results), "none")


@pytest.mark.slow
async def test_referees_come_to_the_same_verdicts(servers: None, tmp_path: Path) -> None:
    cases = made()
    assert len(cases) >= 48
    differences: dict[tuple[str, str], str] = {}
    same = 0
    async with name_server(zone_of(cases)) as dns, rspamd(tmp_path, dns) as address:
        clock = Clock()
        authenticator = Authenticator(DnsQueries(Resolver([dns], 20.0), clock), clock)
        for name, case in cases.items():
            (method,) = case.judged
            facts = await authenticator.authenticate(case.raw, case.client)
            ours = {fact.method: fact.result for fact in facts}[method]
            said = {"rspamd": (await by_rspamd(address, case))[method]}
            if method == "dkim":
                said["opendkim"] = {await by_opendkim(tmp_path, dns, case)}
            same += any(ours in results for results in said.values())
            for referee, results in said.items():
                if ours not in results:
                    differences[name, referee] = f"{ours}, and not {results}"
    unexplained = {place: what for place, what in differences.items() if place not in EXPLAINED}
    assert not unexplained
    assert same >= LEAST_SAME
