import pytest

from exporter.authentication.dkim import DkimVerdicts
from exporter.authentication.dmarc import (
    DmarcRecord,
    author_of,
    check_dmarc,
    organization,
    walked,
)
from exporter.authentication.lookups import Lookups
from exporter.authentication.verdict import Result, Verdict
from exporter.authentication.wire import wire_message
from exporter.net.dns.answer import DnsResult
from tests.support.zone import Records, Zone

RECORD = "v=DMARC1; p=reject"
UNSIGNED = DkimVerdicts(())
FAILED = Verdict(Result.FAIL, "", "example.org")
SLOW = Verdict(Result.TEMPERROR, "", "example.org")


def permitted(domain: str) -> Verdict:
    return Verdict(Result.PASS, "", domain)


def signed_by(*domains: str) -> DkimVerdicts:
    return DkimVerdicts(tuple(Verdict(Result.PASS, "", domain) for domain in domains))


def zone(**records: str | list[str] | DnsResult) -> Records:
    """DMARC records by domain, with underscores for dots."""
    return {
        f"_dmarc.{domain.replace('_', '.')}": {
            "TXT": record if isinstance(record, DnsResult | list) else [record]
        }
        for domain, record in records.items()
    }


async def verdict(
    records: Records,
    spf: Verdict | None = FAILED,
    dkim: DkimVerdicts | None = UNSIGNED,
    author: str = "example.org",
) -> Verdict:
    found = await check_dmarc(author, spf, dkim, Lookups(Zone(records)))
    assert found
    return found


async def test_one_method_that_passes_for_the_author_is_enough() -> None:
    by_spf = await verdict(zone(example_org=RECORD), permitted("example.org"))
    assert by_spf == Verdict(
        Result.PASS, "SPF passed for example.org", "example.org", "_dmarc.example.org"
    )
    by_dkim = await verdict(zone(example_org=RECORD), FAILED, signed_by("example.org"))
    assert by_dkim.why == "DKIM passed for example.org"


async def test_a_method_that_passes_for_somebody_else_is_not() -> None:
    found = await verdict(
        zone(example_org=RECORD, example_net=RECORD),
        permitted("example.net"),
        signed_by("example.com", "rival-example.org"),
    )
    assert found.result == "fail"
    assert found.why == "neither SPF nor DKIM passed for example.org; its policy is reject"


@pytest.mark.parametrize(
    ("tags", "spf", "dkim", "result"),
    [
        ("", "mail.example.org", "", "pass"),
        ("", "", "news.example.org", "pass"),
        ("; aspf=s", "mail.example.org", "", "fail"),
        ("; aspf=s", "mail.example.org", "news.example.org", "pass"),
        ("; adkim=s", "", "news.example.org", "fail"),
        ("; adkim=s; aspf=r", "mail.example.org", "news.example.org", "pass"),
        ("; aspf=s; adkim=S", "example.org", "", "pass"),
    ],
)
async def test_relaxed_and_strict_alignment(tags: str, spf: str, dkim: str, result: str) -> None:
    found = await verdict(
        zone(example_org=RECORD + tags),
        permitted(spf) if spf else FAILED,
        signed_by(dkim) if dkim else UNSIGNED,
    )
    assert found.result == result, found


async def test_domains_below_an_organization_are_aligned_with_each_other() -> None:
    found = await verdict(
        zone(example_org=RECORD), FAILED, signed_by("a.b.example.org"), author="news.example.org"
    )
    assert found.why == "DKIM passed for a.b.example.org, which is also in example.org"
    assert found.record == "_dmarc.example.org"


async def test_a_domain_that_says_it_is_an_organization_is_aligned_only_with_itself() -> None:
    records = zone(example_org=RECORD, customer_example_org=RECORD + "; psd=n")
    found = await verdict(records, permitted("example.org"), author="customer.example.org")
    assert found.result == "fail"


async def test_two_customers_of_a_public_suffix_are_not_aligned() -> None:
    records = zone(host_example=RECORD + "; psd=y", a_host_example=RECORD)
    found = await verdict(records, permitted("b.host.example"), author="a.host.example")
    assert found.result == "fail"
    aligned = await verdict(records, permitted("x.a.host.example"), author="a.host.example")
    assert aligned.result == "pass"


async def test_without_a_record_there_is_no_result() -> None:
    found = await verdict({}, permitted("example.org"))
    assert found == Verdict(
        Result.NONE, "there is no DMARC record for example.org", "example.org", "_dmarc.example.org"
    )


async def test_two_records_are_none_and_others_are_not_records() -> None:
    two = await verdict(zone(example_org=[RECORD, RECORD]))
    assert (two.result, "2 DMARC records" in two.why) == ("none", True)
    one = await verdict(zone(example_org=["v=spf1 -all", "v=DMARC1 ; p=none", "v=DMARC12; p=none"]))
    assert one.result == "fail"
    malformed = await verdict(zone(example_org="v=DMARC1; p=none; p=reject"))
    assert (malformed.result, "malformed" in malformed.why) == ("none", True)


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=DMARC1", "permerror"),
        ("v=DMARC1; p=block", "permerror"),
        ("v=DMARC1; p=none; sp=block", "permerror"),
        ("v=DMARC1; p=none; np=block", "permerror"),
        ("v=DMARC1; rua=mailto:a@example.org", "pass"),
        ("v=DMARC1; p=block; rua=mailto:a@example.org", "pass"),
        ("v=DMARC1; p=NONE; unknown=1; pct=0", "pass"),
    ],
)
async def test_a_record_without_a_valid_policy(record: str, result: str) -> None:
    assert (await verdict(zone(example_org=record), permitted("example.org"))).result == result


@pytest.mark.parametrize(
    ("record", "exists", "policy"),
    [
        ("p=reject", True, "reject"),
        ("p=reject; sp=quarantine", True, "quarantine"),
        ("p=reject; sp=quarantine; np=none", True, "quarantine"),
        ("p=reject; sp=quarantine; np=none", False, "none"),
        ("p=reject; np=none", True, "reject"),
        ("p=reject; sp=none", False, "none"),
        ("p=reject; t=y", True, "reject, in test mode (t=y)"),
    ],
)
async def test_the_policy_for_a_domain_below(record: str, exists: bool, policy: str) -> None:
    records = {**zone(example_org=f"v=DMARC1; {record}")}
    if exists:
        records["news.example.org"] = {"A": ["192.0.2.1"]}
    found = await verdict(records, author="news.example.org")
    assert found.why.endswith(f"its policy is {policy}")


async def test_the_policy_of_a_public_suffix_applies_if_there_is_no_other() -> None:
    records = zone(bank="v=DMARC1; p=quarantine; psd=y")
    found = await verdict(records, author="some.bank")
    assert (found.result, found.record) == ("fail", "_dmarc.bank")


async def test_what_is_unknown_is_no_failure() -> None:
    lookups = Lookups(Zone(zone(example_org=RECORD)))
    assert await check_dmarc("example.org", None, UNSIGNED, lookups) is None
    assert await check_dmarc("example.org", FAILED, None, lookups) is None
    proven = await check_dmarc("example.org", None, signed_by("example.org"), lookups)
    assert proven
    assert proven.result == "pass"


async def test_dns_that_does_not_answer_is_a_temporary_error() -> None:
    slow = await verdict(zone(example_org=DnsResult.TIMEOUT), permitted("example.org"))
    assert (slow.result, slow.record) == ("temperror", "_dmarc.example.org")
    assert (await verdict(zone(example_org=RECORD), SLOW)).result == "temperror"
    unsure = DkimVerdicts((SLOW,))
    assert (await verdict(zone(example_org=RECORD), FAILED, unsure)).result == "temperror"
    assert (
        await verdict(zone(example_org=RECORD), permitted("example.org"), unsure)
    ).result == "pass"


def test_a_walk_has_at_most_eight_steps() -> None:
    assert list(walked("a.example.org")) == ["a.example.org", "example.org", "org"]
    long = list(walked("a.b.c.d.e.f.g.h.i.j.mail.example.com"))
    assert long[:2] == ["a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com"]
    assert (len(long), long[-1]) == (8, "com")
    eight = list(walked("a.b.c.d.e.f.example.com"))
    assert (len(eight), eight[1]) == (8, "b.c.d.e.f.example.com")


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], "a.mail.example.com"),
        ([("mail.example.com", "u"), ("example.com", "u")], "example.com"),
        ([("mail.example.com", "n")], "mail.example.com"),
        ([("com", "y")], "example.com"),
        ([("example.com", "u"), ("com", "y")], "example.com"),
        ([("a.mail.example.com", "y"), ("com", "u")], "com"),
    ],
)
def test_the_examples_of_section_4_10_2(records: list[tuple[str, str]], expected: str) -> None:
    found = [DmarcRecord(domain, {"v": "DMARC1", "psd": psd}) for domain, psd in records]
    assert organization("a.mail.example.com", found) == expected


@pytest.mark.parametrize(
    ("header", "author"),
    [
        ("From: probe@example.org", "example.org"),
        ("From: Probe <probe@EXAMPLE.org>", "example.org"),
        ('From: "a@example.net" <probe@example.org>', "example.org"),
        ("From: a@example.org, b@example.org", "example.org"),
        ("From: =?utf-8?q?x?= <probe@b\u00fccher.example>", "xn--bcher-kva.example"),
        ("From: a@example.org, b@example.net", None),
        ("From: a@example.org\r\nFrom: b@example.org", None),
        ("From: nobody", None),
        ("From: probe@example.org (a@example.net)", "example.org"),
        ('From: "a, b" <probe@example.org>, (c, d@example.net) e@example.org', "example.org"),
        ('From: "probe"@example.org', "example.org"),
        ("From:", None),
        ("Sender: a@example.org", None),
        ("From: a@exa mple.org", None),
        ("From: " + "x" * 5000 + "@example.org", None),
    ],
)
def test_the_author(header: str, author: str | None) -> None:
    assert author_of(wire_message(f"{header}\r\n\r\n".encode())) == author


async def test_an_author_who_is_unclear_is_an_error() -> None:
    found = await check_dmarc(None, permitted("example.org"), UNSIGNED, Lookups(Zone({})))
    assert found
    assert found.result == "permerror"
