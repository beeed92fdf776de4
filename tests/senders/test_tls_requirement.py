"""Who is to blame if TLS with an exchanger fails: its server, or a policy that forbids going on."""

import pytest

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError, TlsPolicy
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.senders.tls_requirement import TlsRequirement


def required(mode: str) -> TlsRequirement:
    return TlsRequirement("starttls", TlsOptions(), TlsPolicy("mta_sts", mode))


@pytest.mark.parametrize("mode", ["enforce", "encrypt"])
def test_a_binding_policy_turns_broken_tls_into_a_breach_of_it(mode: str) -> None:
    broken = ProbeError(Reason.TLS, "the certificate has expired", code="454")
    blamed = required(mode).blamed(broken.at(Phase.SEND, Step.TLS))
    assert blamed.reason is Reason.POLICY
    assert (blamed.phase, blamed.step, blamed.code) == (Phase.SEND, Step.TLS, "454")
    assert blamed.detail == (
        "the certificate has expired, and the policy (mta_sts) forbids going on"
    )


@pytest.mark.parametrize("mode", ["testing", "unavailable", "none"])
def test_a_policy_that_binds_no_one_blames_no_one(mode: str) -> None:
    broken = ProbeError(Reason.TLS, "the certificate has expired")
    assert required(mode).blamed(broken) is broken


def test_other_failures_have_nothing_to_do_with_the_policy() -> None:
    for reason in set(Reason) - {Reason.TLS}:
        error = ProbeError(reason, "550 no")
        assert required("enforce").blamed(error) is error


def test_without_a_policy_tls_is_the_server_s_matter() -> None:
    broken = ProbeError(Reason.TLS, "no TLS")
    assert TlsRequirement("opportunistic", TlsOptions()).blamed(broken) is broken
