"""What is sent to the API."""

import pytest

from tests.web.api.test_frame import frame


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", '{"a": 1, "b": ["x"]}', 200),
        ("application/json; charset=utf-8", "{}", 200),
        ("application/x-www-form-urlencoded", "a=b&c=d%20e", 200),
        ("application/x-www-form-urlencoded", "a=b&a=c", 400),
        ("application/x-www-form-urlencoded", "&".join(f"a{n}=b" for n in range(30)), 400),
        ("application/x-www-form-urlencoded", "a=%ff", 400),
        ("application/json", "[]", 400),
        ("application/json", "{", 400),
        ("application/json", "[" * 1000, 400),
        ("application/json", b"\xff", 400),
        ("text/plain", "a=b", 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
    ],
)
async def test_fields_are_of_a_json_object_or_of_a_form(
    kind: str, body: str | bytes, status: int
) -> None:
    async with frame() as here:
        got, _, _ = await here.call("/echo", "POST", data=body, headers={"Content-Type": kind})
        assert got == status
