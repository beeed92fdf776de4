"""DANE against real servers: Unbound validates a signed zone, and Postfix with
`smtp_tls_security_level = dane` sends to the same exchangers."""

import asyncio
import re
import smtplib
from pathlib import Path

import pytest

from exporter.core.model import Failure, TlsPolicy
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.dns import Resolver
from tests.lab import facts
from tests.lab.client import Lab
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send

PATIENCE = 30  # seconds for Postfix's first attempts

VERDICTS: dict[str, tuple[str, tuple[Step, Reason] | None]] = {
    "good": ("enforce", None),
    "anchor": ("enforce", None),
    "anchorless": ("enforce", (Step.TLS, Reason.POLICY)),
    "renewed": ("enforce", (Step.TLS, Reason.POLICY)),
    "either": ("enforce", None),
    "pkix": ("encrypt", None),
    "none": ("none", None),
    "bogus": ("", (Step.RESOLVE, Reason.DNS)),
    "unsigned": ("none", None),
    "full": ("enforce", None),
    "selector": ("encrypt", None),
    "weaker": ("enforce", (Step.TLS, Reason.POLICY)),
    "alias": ("enforce", None),
}
"""The policy's mode, and how sending fails."""


def test_every_domain_of_the_lab_is_here() -> None:
    assert sorted(VERDICTS) == sorted(facts.DANE)


async def sent(lab: Lab, name: str) -> tuple[str, Failure | None]:
    run = new_run()
    options = {"tls": "dane", "source_address": lab.mon_ip}
    sender = make_sender("mx", options, Resolver([lab.dns]))
    failure = await send(sender, probe_message(f"probe@{name}.dane.test"), run)
    return "".join(fact.mode for fact in run.facts if isinstance(fact, TlsPolicy)), failure


@pytest.mark.parametrize("name", VERDICTS)
async def test_mailtrip(lab: Lab, name: str) -> None:
    mode, failure = await sent(lab, name)
    assert (mode, failure and (failure.step, failure.reason)) == VERDICTS[name]


async def test_postfix_comes_to_the_same(lab: Lab) -> None:
    log = lab.directory / "log/relay.log"
    before = log.stat().st_size
    with smtplib.SMTP(lab.relay_ip, 25, timeout=10) as client:
        for name in VERDICTS:
            client.sendmail(
                "probe@lab.test", [f"probe@{name}.dane.test"], f"Subject: {name}\r\n\r\nHello.\r\n"
            )
    try:
        seen = await asyncio.wait_for(verdicts(log, before), PATIENCE)
    finally:
        await asyncio.to_thread(lab.command, "purge")
    assert seen == {name: failure is None for name, (_, failure) in VERDICTS.items()}
    text = log.read_text()[before:]
    verified = set(re.findall(r"Verified TLS connection established to mx\.(\w+)\.dane", text))
    assert verified >= {
        name for name, (mode, failure) in VERDICTS.items() if mode == "enforce" and failure is None
    }


async def verdicts(log: Path, before: int) -> dict[str, bool]:
    """Whether Postfix has sent, by the name of the domain, when it has said so of all."""
    while True:
        text = log.read_text()[before:]
        found = re.findall(r"to=<probe@(\w+)\.dane\.test>.* status=(\w+)", text)
        if len(seen := {name: status == "sent" for name, status in found}) == len(VERDICTS):
            return seen
        await asyncio.sleep(0.1)
