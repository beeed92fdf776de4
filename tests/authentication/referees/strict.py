"""Mail::SPF, Mail::DKIM and its ARC: Perl's libraries, which follow the RFCs closely."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from tests.authentication.referee_cases import Case
from tests.authentication.referees import Said

SCRIPT = Path(__file__).with_suffix(".pl")
UNREACHABLE = "DNS error"


async def by_perl(cases: Mapping[str, Case], dns: str) -> Said:
    host, _, port = dns.rpartition(":")
    given = [
        {
            "name": name,
            "message": b64encode(case.raw).decode(),
            "address": case.client.address,
            "helo": case.client.helo,
            "sender": case.client.sender,
        }
        for name, case in cases.items()
    ]
    process = await asyncio.create_subprocess_exec(
        *("perl", str(SCRIPT), host, port),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    text = (await process.communicate(json.dumps(given).encode()))[0]
    said: dict[str, dict[str, str]] = json.loads(text)
    return {
        name: {method: {in_words(detail)} for method, detail in results.items()}
        for name, results in said.items()
    }


def in_words(detail: str) -> str:
    """Mail::DKIM calls `invalid` what RFC 8601 calls `permerror`, or `temperror`."""
    result, _, why = detail.partition(" ")
    if result == "invalid":
        return "temperror" if UNREACHABLE in why else "permerror"
    return result
