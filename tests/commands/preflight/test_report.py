"""What `check --try` says."""

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.remark import Doubt, Remark
from exporter.commands.preflight.report import lines
from exporter.core.model import Failure, Phase, Reason


def test_every_doubt_has_its_words() -> None:
    for doubt in Doubt:
        remark = Remark(doubt, "the-subject", "more:25")
        _, note = lines(
            Attempt(
                "module a", "b", failure=Failure(Phase.SEND, None, Reason.DNS), remarks=(remark,)
            )
        )
        assert note.startswith("        note: ")
        assert "the-subject" in note
