"""What `mx` sends is signed by us: rspamd checks it, and a DMARC policy of `reject` accepts it."""

from pathlib import Path

import pytest

from exporter.app import App
from exporter.commands.preflight.attempts import attempts
from exporter.core.facts import Authentication
from exporter.core.model import Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.mail.tokens import new_key
from exporter.net.signatures.signing_key import new_signing_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  theirs: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  own: {{smtpd: {{listen: "{mon}:2525", recipients: [monitor@mon.test]}}}}
modules:
  unsigned: &module
    timeout: 20s
    session_timeout: 5s
    targets: ["*@lab.test"]
    roundtrip: &trip
      from: probe@strict.test
      send: {{mx: {{source_address: {mon}}}}}
      mailbox: theirs
      trusted_authserv_id: mx1.lab.test
  signed: {{<<: *module, roundtrip: &signed {{<<: *trip, dkim: {dkim}}}}}
  forwarded: {{<<: *module, roundtrip: {{<<: *signed, mailbox: own, require: [dkim, dmarc]}}}}
probes:
  - {{name: signed, module: signed, target: {user}@lab.test}}
"""


def settings(lab: Lab, user: LabUser, domain: str = "strict.test", key: str = "") -> Settings:
    file = key or str(lab.directory / "keys/dkim.key")
    dkim = f"{{domain: {domain}, selector: k1, key: {{file: {file}}}}}"
    values = {"mon": lab.mon_ip, "user": user.name, "password": lab.password, "dkim": dkim}
    text = CONFIGURATION.format(dns=lab.dns, ca=lab.ca, **values)
    return Settings.parse(text.encode(), "mailtrip.yml")


async def outcome_of(made: Settings, module: str, target: str) -> Outcome:
    async with App(made, Store.open(None), new_key()) as app:
        return await app.prober.start(app.probes.get_or_create(ProbeKey(module, target)))


def reported(outcome: Outcome) -> dict[str, str]:
    """What rspamd says, and not we ourselves."""
    facts = (fact for fact in outcome.facts if isinstance(fact, Authentication))
    return {fact.method: fact.result for fact in facts}


async def test_a_policy_of_reject_takes_what_is_signed_and_refuses_what_is_not(
    lab: Lab, lab_user: LabUser
) -> None:
    made = settings(lab, lab_user)
    refused = await outcome_of(made, "unsigned", lab_user.address)
    assert refused.failure is not None
    assert (refused.failure.reason, refused.failure.code) == (Reason.REJECTED, "554")
    assert "5.7.1" in refused.failure.detail
    accepted = await outcome_of(made, "signed", lab_user.address)
    assert accepted.failure is None
    results = reported(accepted)
    assert (results["spf"], results["dkim"], results["dmarc"]) == ("fail", "pass", "pass")


async def test_it_passes_after_a_forwarder_too(lab: Lab, lab_user: LabUser) -> None:
    outcome = await outcome_of(settings(lab, lab_user), "forwarded", "forward@lab.test")
    assert outcome.failure is None


async def test_a_signature_with_another_key_is_refused(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    (tmp_path / "other.pem").write_text(new_signing_key("rsa", 2048).pem)
    made = settings(lab, lab_user, key=str(tmp_path / "other.pem"))
    outcome = await outcome_of(made, "signed", lab_user.address)
    assert outcome.failure is not None
    assert outcome.failure.reason is Reason.REJECTED


async def test_without_a_key_nothing_is_sent(lab: Lab, lab_user: LabUser, tmp_path: Path) -> None:
    made = settings(lab, lab_user, key=str(tmp_path / "missing.pem"))
    outcome = await outcome_of(made, "signed", lab_user.address)
    assert str(outcome.failure) == (
        "send: auth: the message cannot be signed: cannot read the secret in"
        f" {tmp_path}/missing.pem: No such file or directory"
    )
    assert not [span for span in outcome.spans if span.phase is Phase.SEND and span.step]


@pytest.mark.parametrize(
    ("domain", "other", "problem"),
    [
        ("strict.test", False, None),
        ("strict.test", True, "the key at k1._domainkey.strict.test does not belong to that in "),
        ("nothing.test", False, "there is no key at k1._domainkey.nothing.test"),
    ],
)
async def test_check_compares_the_key_with_that_in_dns(
    lab: Lab, lab_user: LabUser, tmp_path: Path, domain: str, other: bool, problem: str | None
) -> None:
    file = tmp_path / "other.pem"
    file.write_text(new_signing_key("rsa", 2048).pem)
    made = settings(lab, lab_user, domain, str(file) if other else "")
    tried = [one async for one in attempts(made) if one.what.endswith(", DKIM key")]
    assert [(one.what, one.where) for one in tried] == [
        ("module signed, DKIM key", f"k1._domainkey.{domain}")
    ]
    failure = tried[0].failure
    if problem is None:
        assert failure is None
    else:
        assert failure is not None
        assert failure.reason is Reason.DNS
        assert failure.detail.startswith(problem)
