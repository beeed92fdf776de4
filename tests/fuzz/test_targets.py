"""The targets of `make fuzz` hold for our samples, and for what Hypothesis makes of their words."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

WORDS = {
    "headers": (
        b'Received: |Authentication-Results: |mx.example.net|;|spf=|pass|(|)|"|by'
        b" |[::1]|\r\n|\r\n\r\n|X-Spam-Score: |X-Rspamd-Score: |X-Spam-Status: No, score=|inf|nan"
        b"|1e999|9|.|-|; |1 Jan 0001 00:00:00 +2359|31 Dec 9999 23:59:60 -2359|\xed\xa0\x80|\0"
    ),
    "message": (
        b"Content-Type: multipart/mixed|; boundary=b|; a*=1|; a*0=2|;"
        b" a*1*=x\0''y|\r\n|\r\n\r\n|--b|--"
    ),
    "bounce": (
        b"Action: |failed|Status: |5.1.1|Diagnostic-Code: |smtp|; |Reporting-MTA:"
        b" |\r\n|\r\n\r\n|--b|\0| |From: |Subject: |MAILER-DAEMON|<a@b.example>:|550 |550-|host"
        b" mx.example.net said: |undeliverable|will retry|<br>|Return-Path: <>"
    ),
    "imap": b'* |1 |FETCH |LIST |OK |(|)|"|\\|{3}|{|}|\r\n|abc|NIL|[|]|BODY[|~|+ |a1 | ',
    "imap_list": (
        b'(|)|\\Junk|\\Noselect| |"/"|"."|"\\"|NIL|INBOX|&ZeVnLIqe-|"|\\|{4}|[|]|\t|\xff|("X"'
        b" (a))|\0"
    ),
    "imap_untagged": (
        b'OK |NO |EXISTS|EXPUNGE|FETCH |(|)|"|UID |1 |2 |[UIDNEXT 3]|[|]|\n|busy|BODY[] '
    ),
    "proxy_header": (
        b"PROXY |TCP4 |TCP6 |UNKNOWN|192.0.2.7 |::1 |25|\r\n|\r\n\r\n\0\r\nQUIT\n"
        b"|\x21|\x20|\x11|\0\x0c"
    ),
    "pop3": b"+OK|-ERR|+| |[IN-USE]|1|2|abc|.|\r\n|\t|\0|LOGIN-DELAY",
}
"""What stands between the bars."""


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_holds_for_its_own_samples(target: str) -> None:
    assert SEEDS[target]
    for seed in SEEDS[target]:
        TARGETS[target](seed)
        TARGETS[target](seed[: len(seed) // 2])


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_holds_for_its_words_in_any_order(target: str) -> None:
    pieces = st.sampled_from(WORDS[target].split(b"|")) | st.binary(max_size=3)

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(pieces, max_size=40).map(b"".join))
    def holds(raw: bytes) -> None:
        TARGETS[target](raw)

    holds()
