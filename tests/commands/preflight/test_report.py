"""What `check --try` says."""

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.remark import Remark, Risk
from exporter.commands.preflight.report import lines
from exporter.core.model import Failure
from exporter.core.phases import Phase
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
