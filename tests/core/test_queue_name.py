"""The name in a server's queue, from its final reply."""

import pytest

from exporter.core.queue_name import queue_name


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        ("2.0.0 Ok: queued as 4jccl76FVyzCvF2", "4jccl76FVyzCvF2"),
        ("2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 6F0A1", "6F0A1"),
        ("OK id=1rXyZa-00000000abc-1Def", "1rXyZa-00000000abc-1Def"),
        ("2.0.0 4AU3abCD012345 Message accepted for delivery", "4AU3abCD012345"),
        ("2.0.0 1a2b3c4d Message accepted for delivery", "1a2b3c4d"),
        (
            "2.6.0 <x@example.org> [InternalId=2345052143625, Hostname=a.example.org] 9 bytes in"
            " 0.1, 80 KB/sec Queued mail for delivery",
            "2345052143625",
        ),
        ("2.0.0 OK  1712345678 a1-20020a05.123 - gsmtp", "a1-20020a05.123"),
        ("Message Queued (1C2D3E4F-5A6B.1)", "1C2D3E4F-5A6B.1"),
        ("ok 1712345678 qp 12345", "qp 12345"),
        ("2.0.0 <probe@lab.test> nNxuJF92DWtyAwAAg+zDdQ Saved", "nNxuJF92DWtyAwAAg+zDdQ"),
        ("2.0.0 <a@b.test> yA3/+jF92DWtyAwAAg+zDd:2 Saved", "yA3/+jF92DWtyAwAAg+zDd:2"),
        ("2.1.5 Success SESSIONID=<cyrus-1796044442-3522-2-942>", "cyrus-1796044442-3522-2-942"),
        ("2.0.0 Ok", ""),
        ("", ""),
        ("queued as ", ""),
    ],
)
def test_the_queue_name_is_read_from_the_replies_of_known_servers(reply: str, name: str) -> None:
    assert queue_name(reply) == name
