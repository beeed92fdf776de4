"""What `check` says of ports that contradict the protocol, or TLS."""

import pytest

from tests.support.reviewed import LOGIN, MAILBOX, SENDER, found

CONTRADICTIONS = {
    f"imap: {{host: h, port: 993, tls: starttls, {LOGIN}}}": (
        "tls: starttls cannot work on port 993, which starts with TLS: write tls: implicit,"
        " or port 143"
    ),
    f"imap: {{host: h, port: 993, tls: none, {LOGIN}}}": "tls: none cannot work on port 993",
    f"imap: {{host: h, port: 143, tls: implicit, {LOGIN}}}": (
        "tls: implicit cannot work on port 143, which starts in plain text: write tls:"
        " starttls, or port 993"
    ),
    f"pop3: {{host: h, port: 995, tls: starttls, {LOGIN}}}": "write tls: implicit, or port 110",
    f"pop3: {{host: h, port: 110, tls: implicit, {LOGIN}}}": "write tls: starttls, or port 995",
    f"imap: {{host: h, port: 995, {LOGIN}}}": (
        "995 is the port of POP3, but this option is for IMAP: 143 or 993"
    ),
    f"imap: {{host: h, port: 110, {LOGIN}}}": "110 is the port of POP3, but this option is for IMAP",  # noqa: E501
    f"imap: {{host: h, port: 465, {LOGIN}}}": "465 is the port of SMTP, but this option is for IMAP",  # noqa: E501
    f"pop3: {{host: h, port: 993, {LOGIN}}}": (
        "993 is the port of IMAP, but this option is for POP3: 110 or 995"
    ),
    f"smtp: {{host: h, port: 465, tls: starttls, {LOGIN}}}": "tls: implicit, or port 587",
    "smtp: {host: h, port: 465, tls: none}": "tls: none cannot work on port 465",
    f"smtp: {{host: h, port: 587, tls: implicit, {LOGIN}}}": (
        "tls: implicit cannot work on port 587"
    ),
    "smtp: {host: h, port: 25, tls: implicit}": "write tls: starttls, or port 465",
    f"smtp: {{host: h, port: 993, {LOGIN}}}": (
        "993 is the port of IMAP, but this option is for SMTP: 25 or 465 or 587"
    ),
    "smtp: {host: h, port: 143}": "143 is the port of IMAP, but this option is for SMTP",
    "mx: {port: 465}": "exchangers accept mail on port 25; port 465 is for clients",
    "smtp: {host: h, port: 993, tls: starttls}": "993 is the port of IMAP, but this option is for SMTP",  # noqa: E501
    f"imap: {{host: h, port: 110, tls: implicit, {LOGIN}}}": (
        "110 is the port of POP3, but this option is for IMAP"
    ),
    "mx: {port: 995}": "995 is the port of POP3, but this option is for SMTP",
}


@pytest.mark.parametrize(("part", "said"), CONTRADICTIONS.items(), ids=[*CONTRADICTIONS])
def test_a_port_that_contradicts_tls_or_the_protocol_is_no_good(part: str, said: str) -> None:
    (line,) = found((SENDER if part.startswith(("smtp", "mx")) else MAILBOX) % part)
    assert said in line
    assert line.startswith("f:")
    assert "warning" not in line
    assert line.partition(": ")[2].partition(":")[0].endswith(("port", "tls", "send.mx"))


@pytest.mark.parametrize(
    "part",
    [
        *(
            f"imap: {{host: h, {LOGIN}, {more}}}"
            for more in ("port: 993", "port: 143", "tls: starttls", "port: 1143")
        ),
        f"imap: {{host: h, {LOGIN}, port: 143, tls: none}}",
        f"imap: {{host: h, {LOGIN}, port: 4465, tls: starttls}}",
        *(
            f"pop3: {{host: h, {LOGIN}, {more}}}"
            for more in ("port: 995", "port: 110, tls: starttls", "tls: none")
        ),
        *(
            f"smtp: {{host: h, {LOGIN}, {more}}}"
            for more in ("port: 465", "port: 587", "port: 25, tls: starttls")
        ),
        "smtp: {host: h, port: 587, tls: none}",
        "mx: {port: 2525}",
        "mx: {port: 587}",
    ],
)
def test_a_port_that_fits_is_good(part: str) -> None:
    assert found((SENDER if part.startswith(("smtp", "mx")) else MAILBOX) % part) == []
