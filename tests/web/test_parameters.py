"""What is wrong with a request."""

import pytest

from tests.support.http_site import site


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/probe", 400, "parameter module is missing; example: /probe?module="),
        ("/probe?module=submission", 400, "parameter target is missing"),
        ("/probe?module=submission&target=", 400, "parameter target is missing"),
        (
            "/probe?module=submission&target=a@example.org&target=b@example.org",
            400,
            "target is given 2 times",
        ),
        ("/probe?module=submision&target=a@example.org", 400, "did you mean submission?"),
        (
            "/probe?module=submission&target=a@example.com",
            403,
            "target 'a@example.com' is not allowed",
        ),
        ("/probe?module=submission&target=a%0d%0aX:y@example.org", 400, "invalid target"),
        ("/nowhere", 404, "404: Not Found"),
    ],
)
async def test_what_cannot_be_answered_is_one_clear_line(
    path: str, status: int, words: str
) -> None:
    async with site() as here:
        got, text = await here.get(path)
        assert got == status
        assert words in text
        assert len(text.strip().splitlines()) == 1
        assert here.rig.sender.sent == []
        if path.startswith("/probe"):
            refused = [
                line
                for line in (await here.get("/metrics"))[1].splitlines()
                if "refused_total{" in line
            ]
            assert sum(line.endswith(" 1.0") for line in refused) == 1
