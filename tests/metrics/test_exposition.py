"""The text for Prometheus."""

from exporter.metrics.exposition import LARGE, Format
from tests.metrics.test_rendered import LIBRARY, many


async def test_a_large_text_is_put_together_beside_the_event_loop() -> None:
    made = many(100)
    text = await made.everything()
    assert len(text) > LARGE
    assert LIBRARY[Format.TEXT](text) == text
