"""Who wants to hear what became of a change hears it once."""

from exporter.state.commit_callbacks import Once, words_of


def test_only_the_first_word_is_told() -> None:
    told: list[str] = []
    once = Once(told.append)
    once("")
    once("disk full")
    assert told == [""]


def test_one_who_breaks_harms_nobody() -> None:
    def broken(why: str) -> None:
        raise ZeroDivisionError

    Once(broken)("")


def test_an_exception_without_words_has_its_name() -> None:
    assert [words_of(ValueError("odd")), words_of(TimeoutError())] == ["odd", "TimeoutError"]
