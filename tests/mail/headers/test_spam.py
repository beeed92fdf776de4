"""What spam filters wrote into the header."""

import pytest

from exporter.mail.headers.authentication import MAX_LENGTH
from exporter.mail.headers.spam import spam_scores


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["X-Spamd-Result: default: True [-12.5 / 15.00]; A(1.00)[2 / 3]", "X-Spamd-Bar: +"],
            {"rspamd": -12.5},
        ),
        (["X-Rspamd-Score: 12.314971"], {"rspamd": 12.314971}),
        (["X-Spamd-Bar: /"], {"rspamd": 0}),
        (
            ["X-Spam-Status: Yes, hits=5.3 required=5.0", "X-Spam-Checker-Version: SpamAssassin 2"],
            {"spamassassin": 5.3},
        ),
        (["X-Spam-Score: 5.1", "X-Virus-Scanned: amavisd-new at example.net"], {"amavis": 5.1}),
        (["X-Spam-Score: 5.1", "X-Rspamd-Action: no action"], {"rspamd": 5.1}),
        (["X-Spam-Score: 5.1", "X-Spamd-Queue-Id: 1"], {"rspamd": 5.1}),
        (["X-Spam-Score: 5.1", "X-Spam-Status: No, tagged_above=-999 version=1"], {"amavis": 5.1}),
        (["X-Spam-Status: No, score=1 autolearn=ham"], {"spamassassin": 1}),
        ([f"X-Spam-Status: No{' ' * MAX_LENGTH}, score=1"], {}),
        (["X-Spam-Score: 5.1", "X-Spam-Score: 1"], {"other": 5.1}),
        (["X-Spam-Score: inf"], {}),
        (["X-Spam-Status: No, score=-Infinity", "X-Spamd-Result: x [NaN / 15.00]"], {}),
        (
            [
                "X-Spam-Score: 1e999",
                "X-Rspamd-Score: nan",
                "X-Barracuda-Spam-Score: 9999999",
                "X-Spamd-Bar: +-",
            ],
            {},
        ),
        (["X-MS-Exchange-Organization-SCL: 12", "X-Forefront-Antispam-Report: XSCL:3;SCL:22"], {}),
        (
            ["X-MS-Exchange-Organization-SCL: 6", "X-Forefront-Antispam-Report: SCL:1"],
            {"microsoft": 6},
        ),
        (["X-Barracuda-Spam-Status: Yes, SCORE=3.60 using"], {"barracuda": 3.6}),
        (
            ["X-Rspamd-Score: 2", "X-Spam-Status: No, score=1.5 tests=A version=4"],
            {"rspamd": 2, "spamassassin": 1.5},
        ),
    ],
)
def test_a_score_is_known_by_the_scanner_s_words(
    lines: list[str], expected: dict[str, float]
) -> None:
    found = spam_scores(
        [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    )
    assert {one.scanner: one.score for one in found} == expected
