"""Errors of the API."""

import pytest

from tests.web.api.test_frame import frame


@pytest.mark.parametrize("prefix", ["", "/mailtrip"])
async def test_every_error_is_json_of_one_form(prefix: str) -> None:
    async with frame(prefix=prefix) as here:
        for path, method, expected in (
            ("/nowhere", "GET", (404, "not_found")),
            ("/long", "POST", (405, "method_not_allowed")),
            ("/echo", "GET", (405, "method_not_allowed")),
            ("/broken", "GET", (503, "state_unusable")),
        ):
            status, error, answer = await here.call(path, method)
            assert (status, error["error"]) == expected
            assert len(error) == 2
            assert error["message"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Server"] == "mailtrip"
        long = {"data": "x" * 2000, "headers": {"Content-Type": "application/json"}}
        assert (await here.call("/echo", "POST", **long))[0] == 413
