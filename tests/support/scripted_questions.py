"""A person whose answers are known before."""

from exporter.commands.exit_status import CannotStart
from exporter.commands.setup.questions import Questions


class ScriptedQuestions(Questions):
    """Answers in this order; then the input has ended."""

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self._answers = [*answers]

    def _line(self, prompt: str) -> str:  # type: ignore[override]
        if not self._answers:
            raise CannotStart("the input has ended; nothing is written")
        return self._answers.pop(0)
