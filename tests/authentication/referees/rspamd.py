"""rspamd, with its modules for SPF, DKIM, DMARC and ARC."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.authentication.referee_cases import Case
from tests.authentication.referees import Said
from tests.support.ports import free_port

TEMPLATES = Path(__file__).resolve().parents[2] / "lab/templates/etc/rspamd"
CONFIGURATION = """
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


async def by_rspamd(cases: Mapping[str, Case], directory: Path, dns: str) -> Said:
    async with running(directory, dns) as address:
        return {name: await judged(address, case) for name, case in cases.items()}


@asynccontextmanager
async def running(directory: Path, dns: str) -> AsyncIterator[str]:
    """rspamd's address."""
    port = free_port()
    configuration = directory / "rspamd.conf"
    configuration.write_text(
        CONFIGURATION.format(dir=directory, templates=TEMPLATES, dns=dns, port=port),
        encoding="utf-8",
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


async def judged(address: str, case: Case) -> dict[str, set[str]]:
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
