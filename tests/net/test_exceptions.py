"""The one translator of exceptions."""

import asyncio

import pytest

from exporter.config.types import Secret, SecretUnavailable
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.exceptions import Kinds, Words, map_exceptions, map_secrets

TABLE: dict[Kinds, Words] = {
    ConnectionError: lambda _: ProbeError(Reason.DISCONNECTED, "cut"),
    (OSError, ValueError): lambda error: ProbeError(Reason.PROTOCOL, f"odd: {error}"),
}


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (ConnectionResetError("x"), Reason.DISCONNECTED, "cut"),  # the first row that fits
        (OSError("x"), Reason.PROTOCOL, "odd: x"),
        (UnicodeError("x"), Reason.PROTOCOL, "odd: x"),
    ],
)
def test_an_exception_is_told_by_the_first_row_that_fits(
    error: Exception, reason: Reason, detail: str
) -> None:
    with pytest.raises(ProbeError) as caught, map_exceptions(TABLE):
        raise error
    assert (caught.value.reason, caught.value.detail) == (reason, detail)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [KeyError("x"), ProbeError(Reason.AUTH, "no"), asyncio.CancelledError()]
)
def test_what_is_not_in_the_table_passes_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, map_exceptions(TABLE):
        raise error
    assert caught.value is error


def test_a_cause_that_may_hold_a_secret_is_left_out() -> None:
    with pytest.raises(ProbeError) as caught, map_exceptions(TABLE, quiet=True):
        raise ValueError("secret")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_secret_that_cannot_be_read_is_told_with_the_reason_of_its_use() -> None:
    missing = Secret(env="MAILTRIP_NO_SUCH_VARIABLE")
    with pytest.raises(ProbeError) as caught, map_secrets(Reason.TLS, "key_password"):
        missing.reveal()
    problem = "the environment variable MAILTRIP_NO_SUCH_VARIABLE is not set"
    assert (caught.value.reason, caught.value.detail) == (Reason.TLS, f"key_password: {problem}")
    assert isinstance(caught.value.__cause__, SecretUnavailable)  # no login was sent
