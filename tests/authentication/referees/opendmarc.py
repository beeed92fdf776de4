"""OpenDMARC: reads a message from a file, and says which header it would add. It believes what
others say of SPF and DKIM, and has the DNS in a file."""

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path

from exporter.net.dns.answer import DnsResult
from tests.authentication.referee_cases import Case
from tests.authentication.referees import Said, opendkim

NAME = "referee.test"
CONFIGURATION = """
AuthservID {name}
TrustedAuthservIDs {name},{others}
PublicSuffixList {dir}/suffixes
TestDNSData {dir}/records
"""


async def by_opendmarc(
    cases: Mapping[str, Case], directory: Path, spf: Mapping[str, str], dkim: Mapping[str, str]
) -> Said:
    """`spf` are results, `dkim` values of headers."""
    configuration, message = directory / "opendmarc.conf", directory / "dmarc.eml"
    configuration.write_text(
        CONFIGURATION.format(name=NAME, others=opendkim.NAME, dir=directory), encoding="utf-8"
    )
    (directory / "records").write_text("".join(records(cases)), encoding="utf-8")
    (directory / "suffixes").write_text("org\n")
    said: Said = {}
    for name, case in cases.items():
        sender = case.client.sender or f"postmaster@{case.client.helo}"
        by_spf = f"{NAME}; spf={spf[name]} smtp.mailfrom={sender.rpartition('@')[2]}"
        headers = [by_spf, re.sub(r"\s+", " ", dkim[name])]
        top = "".join(f"Authentication-Results: {one}\r\n" for one in headers)
        message.write_bytes(top.encode() + case.raw)
        envelope = {
            "OPENDMARC_TEST_CLIENTIP": case.client.address,
            "OPENDMARC_TEST_CLIENTHOST": case.client.helo,
            "OPENDMARC_TEST_HELOHOST": case.client.helo,
            "OPENDMARC_TEST_ENVFROM": f"<{case.client.sender}>",
        }
        process = await asyncio.create_subprocess_exec(
            *("opendmarc", "-c", str(configuration), "-t", str(message), "-vv"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **envelope},
        )
        text = (await process.communicate())[0].decode()
        found = re.search(r"\bdmarc=(\w+)", text)
        assert found, text
        said[name] = {"dmarc": {found[1]}}
    return said


def records(cases: Mapping[str, Case]) -> list[str]:
    """Lines of its file: a name, and a record."""
    return [
        f"{name} {text}\n"
        for case in cases.values()
        for name, types in case.zone.items()
        if name.startswith("_dmarc.") and not isinstance(texts := types["TXT"], DnsResult)
        for text in texts
    ]
