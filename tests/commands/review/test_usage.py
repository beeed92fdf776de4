"""What `check` says of modules and mailboxes that nobody uses."""

from tests.support.reviewed import MAILBOX, SENDER, found


def test_what_nobody_can_ever_use_is_a_warning() -> None:
    text = SENDER % "mx: {}"
    assert found(text, usage=True) == []
    nothing = "this module is unused: no entry in probes names it, and it has no targets for /probe"
    unused = "this mailbox is unused: no module names it"
    text = (
        text.replace('targets: ["*"], ', "")
        + "  b: {targets: [], dnsbl: {lists: [zen.spamhaus.org]}}\n"
    )
    assert [line.partition("warning: ")[2] for line in found(text, usage=True)] == [
        f"modules.a: {nothing}",
        f"modules.b: {nothing}",
    ]
    more = MAILBOX % "maildir: {path: /x}"
    assert [line.partition("warning: ")[2] for line in found(more, usage=True)] == [
        "there are no modules, so no trips are made",
        f"mailboxes.m: {unused}",
    ]
    probed = (
        text + "probes: [{name: p, module: a, target: c@d.example}, {name: q, module: b, target:"
        " 192.0.2.1}]\n"
    )
    assert found(probed, usage=True) == []
