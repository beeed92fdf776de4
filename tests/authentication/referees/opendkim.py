"""OpenDKIM: reads a message from a file, and says which header it would add."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from tests.authentication.referee_cases import Case
from tests.authentication.referees import Said

NAME = "opendkim.test"
DEFERRED = "replytxt='DKIM key retrieval failed'"


async def by_opendkim(
    cases: Mapping[str, Case], directory: Path, dns: str
) -> tuple[Said, dict[str, str]]:
    """The results, and the values of the headers."""
    host, _, port = dns.rpartition(":")
    configuration, message = directory / "opendkim.conf", directory / "message.eml"
    configuration.write_text(
        f"Mode v\nAuthservID {NAME}\nNameservers {host}@{port}\nSyslog no\nDNSTimeout 30\n"
    )
    said: Said = {}
    headers: dict[str, str] = {}
    for name, case in cases.items():
        message.write_bytes(case.raw)
        process = await asyncio.create_subprocess_exec(
            *("opendkim", "-x", str(configuration), "-t", str(message), "-vv"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        text = (await process.communicate())[0].decode()
        found = re.search(r"hname='Authentication-Results' hvalue='(.*?)'$", text, re.M | re.S)
        headers[name] = found[1] if found else f"{NAME}; none"
        results = re.findall(r"\bdkim=(\w+)", headers[name])
        one = "pass" if "pass" in results else next(iter(results), "none")
        said[name] = {"dkim": {"temperror" if DEFERRED in text else one}}
    return said, headers
