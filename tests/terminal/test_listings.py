"""A blocklist check by hand: progress, then a table."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from exporter.core.model import Listing, ListState, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.scope import BlocklistScope
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.terminal import ProgressLine, progress_of, result
from tests.commands.test_cli import mailtrip
from tests.lab.client import Lab
from tests.metrics.test_blocklists import LISTED


def console() -> tuple[Console, StringIO]:
    shown = StringIO()
    return Console(file=shown, width=80, highlight=False), shown


def test_the_table_says_what_every_list_says_and_how_to_get_off_it() -> None:
    screen, shown = console()
    unlist = Listing(
        "spamcop.example",
        "192.0.2.1",
        ListState.LISTED,
        ("127.0.0.2",),
        delisting="https://off.example/",
    )
    result(replace(LISTED, facts=(*LISTED.facts, unlist)), screen)
    assert (
        shown.getvalue()
        == """
trip 0123456789abcd  reputation → example.org  FAILED  2.50 s
  list             about        state       codes and meaning, or why it is unknown
  zen.example      192.0.2.1    listed      127.0.0.2 127.0.0.4  SBL, XBL
                                            a reason
  zen.example      2001:db8::1  not listed
  dnswl.example    192.0.2.1    listed      127.0.10.3 (not a failure)
  dead.example     192.0.2.1    unknown     no answer in time
  spamcop.example  192.0.2.1    listed      127.0.0.2
                                            delisting: https://off.example/

verify: listed 127.0.0.2: 192.0.2.1 is listed on zen.example (127.0.0.2)
"""
    )


def shown_for(*listings: Listing, good: bool = True) -> str:
    screen, shown = console()
    result(replace(LISTED, facts=listings, failure=None if good else LISTED.failure), screen)
    return " ".join(shown.getvalue().split())


def unknown(name: str, why: str) -> Listing:
    return Listing(name, "192.0.2.1", ListState.UNKNOWN, text=why)


def test_lists_that_are_unknown_are_counted_beside_the_verdict() -> None:
    clean = Listing("clean.example", "192.0.2.1", ListState.CLEAN)
    assert "reputation → example.org not listed 2.50 s" in shown_for(clean)
    some = shown_for(clean, unknown("a.example", "refused"), unknown("b.example", "no answer"))
    assert "reputation → example.org not listed, incomplete: 2 of 3 lists unknown 2.50 s" in some
    assert "the same way" not in some


def test_lists_that_all_fail_for_one_reason_speak_against_the_resolver() -> None:
    gone = "it does not list 127.0.0.2"
    told = "All lists fail in the same way. The likely cause is the resolver: it answers NXDOMAIN"
    assert told in shown_for(unknown("a.example", gone), unknown("b.example", gone), good=False)
    assert "the same way" not in shown_for(
        unknown("a.example", gone), unknown("b.example", "refused"), good=False
    )
    assert "the same way" not in shown_for(unknown("a.example", gone), good=False)


def test_the_verdict_is_also_the_last_line() -> None:
    clean = Listing("clean.example", "192.0.2.1", ListState.CLEAN)
    assert shown_for(clean).endswith(" not listed not listed")
    some = shown_for(clean, unknown("a.example", "refused"))
    assert some.endswith(" not listed, incomplete: 1 of 2 lists unknown")


def test_a_check_that_could_ask_nobody_has_no_table() -> None:
    screen, shown = console()
    result(replace(LISTED, facts=()), screen)
    assert "codes and meaning" not in shown.getvalue()


def test_progress_tells_at_once_who_lists_us_and_counts_the_others() -> None:
    screen, shown = console()
    with screen.status("…") as status:
        line = ProgressLine(Clock(monotonic=lambda: 12.3, wall=lambda: 0.0), timeout=60)
        show = progress_of(BlocklistScope(()))(screen, status, line)
        show(Span(Phase.VERIFY, None, 0, -1.0))
        show(Span(Phase.VERIFY, Step.RESOLVE, 0, -1.0, note="2 questions to 2 lists"))
        assert str(line.__rich__()) == "2 questions to 2 lists …  0 s, 60 s left"
        show(Span(Phase.VERIFY, Step.RESOLVE, 0, 0.1, note="192.0.2.1 on clean.example"))
        show(Span(Phase.VERIFY, Step.RESOLVE, 0, 0.2, Reason.LISTED, "192.0.2.1 on zen.example"))
        assert str(line.__rich__()) == "answers so far: 2 …  0 s, 60 s left"
        show(Span(Phase.VERIFY, Step.RESOLVE, 0, 0.3, Reason.UNUSABLE, "192.0.2.1 on a.example"))
    assert "✗     0.200 s  192.0.2.1 on zen.example: listed" in shown.getvalue()
    assert "?     0.300 s  192.0.2.1 on a.example: unusable" in shown.getvalue(), "no alarm"
    assert "clean.example" not in shown.getvalue()


def test_mailtrip_probe_asks_the_lists_about_any_target_that_is_allowed(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "mailtrip.yml").write_text(f"""
resolver: {{nameservers: ["{lab.dns}"]}}
modules: {{reputation: {{targets: ["*"], dnsbl: {{lists: [bl.lab.test, blclean.lab.test]}}}}}}
""")
    probe = ["probe", "--config.file", "mailtrip.yml", "--module", "reputation"]
    listed = mailtrip(*probe, lab.mx_ip, directory=tmp_path)
    assert listed.returncode == 1
    assert f"bl.lab.test {lab.mx_ip} listed 127.0.0.2" in " ".join(listed.stdout.split())
    assert f"Listed by bl.lab.test, see http://bl.lab.test/lookup?ip={lab.mx_ip}" in listed.stdout
    assert f"{lab.mx_ip} on bl.lab.test: listed" in listed.stderr
    clean = mailtrip(*probe, "192.0.2.1", "--json", directory=tmp_path)
    assert clean.returncode == 0
    assert {fact.get("state") for fact in json.loads(clean.stdout)["facts"]} == {None, "clean"}
    wrong = mailtrip(*probe, "someone@example.org", directory=tmp_path)
    assert wrong.returncode == 2
    assert "invalid target 'someone@example.org' for module reputation" in wrong.stderr
