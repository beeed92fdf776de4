"""Whether the mail of others finds an SMTP receiver of ours, as `check --try` remarks."""

from dataclasses import replace

import pytest

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.mx_records import of_receiver
from exporter.commands.preflight.remark import Remark, Risk
from exporter.commands.preflight.report import lines
from exporter.config.types import Listen
from tests.support.name_server import Zone, names

HERE, AWAY = "127.77.0.1", "192.0.2.7"
ZONE: Zone = {
    "here.test": {"MX": ["10 mx.here.test."]},
    "mx.here.test": {"A": [HERE]},
    "away.test": {"MX": ["10 mx.away.test.", "20 mx2.away.test."]},
    "mx.away.test": {"A": [AWAY]},
    "mx2.away.test": {"A": ["192.0.2.8"]},
    "implicit.test": {"A": [HERE]},
    "bare.test": {"TXT": ["x"]},
    "lame.test": {"MX": ["10 nothing.test."]},
    "null.test": {"MX": ["0 ."]},
    "broken.test": {"RCODE": ["SERVFAIL"]},
}
FOUND = {
    "here.test": Remark(
        Risk.OTHER_PORT, f"here.test goes to mx.here.test ({HERE})", "0.0.0.0:2525"
    ),
    "implicit.test": Remark(
        Risk.OTHER_PORT, f"implicit.test goes to implicit.test ({HERE})", "0.0.0.0:2525"
    ),
    "away.test": Remark(
        Risk.LEADS_ELSEWHERE,
        f"away.test goes to mx.away.test ({AWAY}), mx2.away.test (192.0.2.8)",
        "0.0.0.0:2525",
    ),
    "bare.test": Remark(Risk.NO_WAY_HERE, "bare.test: it has neither an MX nor an address record"),
    "lame.test": Remark(Risk.NO_WAY_HERE, "lame.test: nothing.test, its MX, has no address"),
    "null.test": Remark(Risk.NO_WAY_HERE, "null.test accepts no mail (null MX, RFC 7505)"),
    "none.test": Remark(Risk.NO_WAY_HERE, "none.test does not exist (NXDOMAIN)"),
}


@pytest.mark.parametrize(("domain", "remark"), FOUND.items())
async def test_where_mail_for_a_receiver_goes_is_looked_up(domain: str, remark: Remark) -> None:
    async with names(ZONE) as resolver:
        (found,) = await of_receiver(
            Listen("0.0.0.0:2525"), [f"a@{domain}", f"b@{domain.upper()}"], resolver
        )
    assert replace(found, about=found.about.partition("; asked")[0]) == remark
    attempt = Attempt("mailbox own", "0.0.0.0:2525", skipped="not tried", remarks=(remark,))
    first, note = lines(attempt)
    assert first == "-       mailbox own (0.0.0.0:2525): not tried"
    assert note.startswith("        note: ")
    assert remark.about in note
    assert remark.more in note


async def test_a_receiver_on_port_25_that_is_found_gives_no_remark() -> None:
    async with names(ZONE) as resolver:
        assert await of_receiver(Listen("0.0.0.0:25"), ["a@here.test"], resolver) == []
        (elsewhere,) = await of_receiver(Listen("[::]:25"), ["a@away.test"], resolver)
        assert elsewhere.risk is Risk.LEADS_ELSEWHERE


@pytest.mark.parametrize("listen", ["127.0.0.1:2525", "localhost:2525", "[::1]:2525"])
async def test_a_receiver_for_this_machine_alone_needs_no_way(listen: str) -> None:
    async with names(ZONE) as resolver:
        assert await of_receiver(Listen(listen), ["a@none.test", "b@[127.0.0.1]"], resolver) == []


async def test_a_resolver_that_cannot_answer_is_no_verdict_on_the_domain() -> None:
    async with names(ZONE) as resolver:
        (found,) = await of_receiver(Listen("0.0.0.0:25"), ["a@broken.test"], resolver)
    assert found.risk is Risk.UNSEEN
