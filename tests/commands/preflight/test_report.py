"""What `check --try` says."""

import pytest

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.remark import Remark, Risk
from exporter.commands.preflight.report import line, lines
from exporter.core.model import Failure, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason


def test_every_doubt_has_its_words() -> None:
    for risk in Risk:
        remark = Remark(risk, "the-subject", "more:25")
        _, note = lines(
            Attempt(
                "module a", "b", failure=Failure(Phase.SEND, None, Reason.DNS), remarks=(remark,)
            )
        )
        assert note.startswith("        note: ")
        assert "the-subject" in note


@pytest.mark.parametrize(
    "ours", ["CN=probe, valid until 2027-02-28", "not asked for by the server"]
)
def test_it_says_which_certificate_of_ours_was_presented(ours: str) -> None:
    tls = TlsSession(Leg.SEND, "TLSv1.3", "AES", None, client_certificate=ours)
    assert line(Attempt("module a", "b", 0.5, facts=(tls,))) == (
        f"OK      module a (b): 0.500 s, TLSv1.3, client certificate {ours}"
    )
