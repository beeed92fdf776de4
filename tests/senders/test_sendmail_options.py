"""What `sendmail:` stands for on a command line, and what its exit codes mean."""

import os

import pytest

from exporter.config.server_url import ServerUrl
from exporter.core.reasons import Reason
from exporter.senders.sendmail_options import EXIT_CODES, SendmailOptions


def of(text: str) -> dict[str, str]:
    return SendmailOptions.of_url(ServerUrl.parse(text, SendmailOptions.schemes), {})


def test_a_url_may_name_the_program() -> None:
    assert of("sendmail:") == {}
    assert of("sendmail:///opt/bin/sendmail") == {"path": "/opt/bin/sendmail"}


@pytest.mark.parametrize("text", ["sendmail://u@", "sendmail://host.example", "sendmail://h/x"])
def test_a_url_names_no_server(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        of(text)


def test_each_code_of_sysexits_has_a_reason_that_is_counted_from_the_start() -> None:
    assert [*EXIT_CODES] == [*range(os.EX_USAGE, os.EX_CONFIG + 1)]
    assert {reason for reason, _ in EXIT_CODES.values()} <= SendmailOptions().reasons
    assert EXIT_CODES[os.EX_TEMPFAIL][0] is Reason.DEFERRED
