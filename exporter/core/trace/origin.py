"""The place where an error was raised."""

from exporter.core.phases import Phase
from exporter.core.steps import Step

MAX_TRANSLATIONS = 10  # of an error, on its way up


class Origin:
    """The innermost span that was open when the newest error was raised."""

    def __init__(self) -> None:
        self.place: tuple[Phase | None, Step | None] | None = None
        """None when there was no error, or when a span was opened since."""
        self._error: BaseException | None = None

    def forget(self) -> None:
        """Forgets the error: it was handled."""
        self.place = None

    def passes(self, error: BaseException, phase: Phase, step: Step | None) -> None:
        """Notes that the error leaves this span, perhaps translated since it left an inner one."""
        if self.place is None or not _comes_of(error, self._error):
            self.place = (phase, step)
        self._error = error


def _comes_of(error: BaseException, other: BaseException | None) -> bool:
    """Whether an error is another one, or its translation, raised while the other was handled."""
    for _ in range(MAX_TRANSLATIONS):
        if error is other:
            return True
        if (earlier := error.__cause__ or error.__context__) is None:
            return False
        error = earlier
    return False
