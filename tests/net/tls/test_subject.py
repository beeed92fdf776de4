"""The subject of a certificate."""

import pytest

from exporter.net.tls.subject import subject_of
from tests.support.chains import issue


@pytest.mark.parametrize("name", ["Größe & Söhne", "x" * 64, "a, b=c\n"])
def test_the_subject_is_read_as_it_is(name: str) -> None:
    assert subject_of(issue(name).der) == f"CN={name.strip()}".replace("\n", " ")
