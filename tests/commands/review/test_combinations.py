"""What `check` says of options that do not go together."""

from pathlib import Path

import pytest

from exporter.net.signatures.signing_key import new_signing_key
from tests.support.reviewed import SENDER, found

COMBINED = """\
mailboxes:
  own: {smtpd: {listen: "127.0.0.1:0", recipients: [A@b.example], max_message_size: 10KiB}}
  pop: {pop3: {host: h, username: u, password: hunter2, poll_interval: 1m}}
modules:
  a: {%s, targets: ["*"], roundtrip: {from: %s, bounces: own, mailbox: %s, send: {%s}}}
  b: {targets: ["*"], roundtrip: {from: a@b.example, mailbox: pop, send: {mx: {}}}}
"""
HERE = "a@b.example"
TOGETHER = {
    ("timeout: 90s", HERE, "pop", "mx: {gap: 5m}"): "",
    ("timeout: 90s", HERE, "own, size: 10KiB", "mx: {}"): "",
    (
        "timeout: 90s",
        HERE,
        "own, size: 11KiB",
        "mx: {}",
    ): "size: is larger than max_message_size of the mailbox own,",
    (
        "timeout: 60s",
        HERE,
        "pop",
        "mx: {}",
    ): "timeout: is not longer than poll_interval of the mailbox pop",
    ("interval: 1m", HERE, "own", "mx: {gap: 2m}"): "gap: is longer than the module's interval, 1m",
    (
        "interval: 1m",
        HERE,
        "own",
        "smtp: {host: h, gap: 61s}",
    ): "gap: is longer than the module's interval, 1m",
    (
        "timeout: 5m",
        HERE,
        "own",
        "mx: {retry_after: 5m}",
    ): "retry_after: is not shorter than the module's timeout",
    (
        "timeout: 5m",
        "c@b.example",
        "own",
        "mx: {}",
    ): "bounces: the mailbox does not accept mail for c@b.example",
    (
        "timeout: 90s",
        HERE,
        "pop, require: [dkim, spf]",
        "mx: {}",
    ): "require: spf needs trusted_authserv_id",
    ("timeout: 90s", HERE, "pop, require: [spf], trusted_authserv_id: mx.b.example", "mx: {}"): "",
    ("timeout: 90s", HERE, "own, require: [spf, dkim, dmarc]", "mx: {}"): "",
    ("timeout: 90s", HERE, "own, blocklists: [bl.example.net]", "mx: {}"): "",
    (
        "timeout: 90s",
        HERE,
        "pop, blocklists: [bl.example.net]",
        "mx: {}",
    ): "blocklists: needs trusted_authserv_id",
    (
        "timeout: 90s",
        HERE,
        "pop, require: [dkim], size: 65KiB",
        "mx: {}",
    ): "require: dkim needs the whole message, and size is more than 64KiB",
    (
        "timeout: 90s",
        HERE,
        "pop, require: [dkim], size: 64KiB",
        "mx: {}",
    ): "require: dkim needs the whole message, of which 64KiB are read, and servers add headers: "
    "size should be at most 48KiB",
    ("timeout: 90s", HERE, "pop, require: [dkim], size: 48KiB", "mx: {}"): "",
}
FILTERED = """\
mailboxes:
  imap: {imap: {host: imap.b.example, username: %s, password: {env: HOME}}}
  inbox: {imap: {host: imap.b.example, username: %s, password: {env: HOME}, folders: [INBOX]}}
  pop: {pop3: {host: pop.b.example, username: %s, password: {env: HOME}}}
modules:
  a:
    roundtrip: {from: a@b.example, send: {mx: {}}, mailbox: %s, payload: eicar, expect: {%s}}
  b: {targets: [x@c.example], roundtrip: {from: a@b.example, send: {mx: {}}, mailbox: %s}}
probes:
  - {name: a, module: a, target: x@C.example}
"""
NO_JUNK = "modules.a.roundtrip.expect.junk: the mailbox %s has no junk folder: %s"
OTHER_KINDS = "use a mailbox of another kind: imap, jmap, maildir or graph"
UNPROVEN = (
    "warning: modules.a.roundtrip.expect.lost: no other module proves that ordinary mail arrives in"
)
NOT_ITS_OWN = (
    "probes[0].target: the payload goes to x@c.example, and the mailbox imap is of y@c.example"
)
HOME = """\
mailboxes:
  m: {smtpd: {listen: "192.0.2.1:25", recipients: [%s]}}
modules:
  a:
    targets: ["*"]
    roundtrip: {from: %s, to: %s, send: {mx: {}}, mailbox: m, home: %s, headers: {%s}}
"""
HEARTBEAT = """\
mailboxes: {m: {%s}}
modules: {a: {interval: 5m, heartbeat: {mailbox: m, from: "a@*", every: %s}}}
probes: [{name: a, module: a%s}]
"""
POP3 = "pop3: {host: h, username: u, password: hunter2, poll_interval: %s}"


def test_a_timeout_that_leaves_no_time_for_the_cause_is_a_warning() -> None:
    text = SENDER % "mx: {}"
    said = (
        "f:3:%s: warning: modules.a.timeout: is not longer than session_timeout, %s:"
        " when a server does not answer, the trip ends before the session"
    )
    (line,) = found(text.replace("targets", "timeout: 30s, session_timeout: 30s, targets"))
    assert line.startswith(said % (16, "30s"))
    (line,) = found(text.replace("targets", "timeout: 20s, targets"))  # the default is 30s
    assert line.startswith(said % (16, "30s"))
    assert found(text.replace("targets", "timeout: 31s, targets")) == []
    assert found("modules: {b: {timeout: 5s, dnsbl: {lists: [zen.spamhaus.org]}}}") == []


@pytest.mark.parametrize(("given", "said"), TOGETHER.items(), ids=map(str, TOGETHER))
def test_options_that_never_go_together_are_told_of(given: tuple[str, ...], said: str) -> None:
    lines = found(COMBINED % given)
    assert len(lines) == bool(said)
    assert all(said in line and "modules.a." in line for line in lines)
    assert [": warning: " in line for line in lines] == [
        "should" in said or not any(word in said for word in ("size", "poll", "require"))
    ] * bool(said)


@pytest.mark.parametrize(
    ("user", "mailbox", "expect", "other", "said"),
    [
        ("x@c.example", "imap", "junk: true", "imap", ""),
        ("x@c.example", "inbox", "junk: true", "imap", NO_JUNK % ("inbox", "add it to `folders`")),
        ("x@c.example", "pop", "junk: true", "imap", NO_JUNK % ("pop", OTHER_KINDS)),
        ("x@c.example", "pop", "lost: true", "pop", ""),
        ("x@c.example", "pop", "lost: true", "imap", UNPROVEN),
        ("x@c.example", "pop", "lost: true", "pop, expect: {lost: true}", UNPROVEN),
        ("x", "imap", "junk: true", "imap", ""),
        ("y@c.example", "imap", "junk: true", "imap", NOT_ITS_OWN),
    ],
)
def test_a_filter_is_tested_where_its_work_is_seen(
    user: str, mailbox: str, expect: str, other: str, said: str
) -> None:
    lines = found(FILTERED % (user, user, user, mailbox, expect, other))
    about = [line for line in lines if "modules.a." in line or "probes[0]" in line]
    assert len(about) == bool(said), lines
    assert all(said in line for line in about)


@pytest.mark.parametrize(
    ("sender", "domain", "fits"),
    [
        ("a@b.example", "B.example", True),
        ("a@b.example", "mail.b.example", True),
        ("a@mail.b.example", "b.example", True),
        ("a@b.example", "ab.example", False),
        ("a@ab.example", "b.example", False),
    ],
)
def test_a_signature_of_another_domain_is_a_warning(
    tmp_path: Path, sender: str, domain: str, *, fits: bool
) -> None:
    file = tmp_path / "dkim.pem"
    file.write_text(new_signing_key("ed25519", 0).pem)
    dkim = f"dkim: {{domain: {domain}, selector: s1, key: {{file: {file}}}}}"
    lines = found(COMBINED % ("timeout: 90s", sender, f"pop, {dkim}", "mx: {}"))
    lines = [line for line in lines if ".bounces" not in line]
    assert len(lines) == (not fits)
    problem = (
        f"dkim.domain: is neither the domain of {sender} nor one above or below it: DMARC ignores"
    )
    assert all(problem in line and ": warning: " in line for line in lines)


@pytest.mark.parametrize(
    ("recipient", "sender", "to", "home", "headers", "said"),
    [
        ("p@a.example", "p+{trip}@a.example", "you@b.example", "reply", "", ""),
        ("p@a.example", "p@a.example", "you@b.example", "delivery_status", "", ""),
        ("p+{trip}@a.example", "p+{trip}@a.example", "you@b.example", "reply", "", ""),
        (
            "p@a.example",
            "p@a.example",
            "you@b.example",
            "reply",
            "",
            "warning: modules.a.roundtrip.from: most responders answer a sender only once in"
            " several days: give each trip a sender of its own, such as p+{trip}@a.example",
        ),
        (
            "p@a.example",
            "q+{trip}@a.example",
            "you@b.example",
            "reply",
            "",
            "modules.a.roundtrip.mailbox: the mailbox does not accept mail for"
            " q+{trip}@a.example, which receives all messages with home: reply: add it to the"
            " recipients",
        ),
        (
            "p@a.example",
            "p+{trip}@a.example",
            "you@b.example",
            "reply",
            "Precedence: bulk",
            "responders do not answer a message with this header (RFC 3834, RFC 5230)",
        ),
        (
            "p@a.example",
            "p+{trip}@a.example",
            "you@b.example",
            "reply",
            "List-Id: <x.example>",
            "responders do not answer a message with this header (RFC 3834, RFC 5230)",
        ),
        ("p@a.example", "p+{trip}@a.example", "you@b.example", "reply", "X-Team: mail", ""),
    ],
    ids=[
        *("an answer", "a notification", "the place is written", "one sender for all"),
        *("nobody gets it", "looks automatic", "looks like a list", "any other header"),
    ],
)
def test_a_way_home_that_leads_nowhere(
    recipient: str, sender: str, to: str, home: str, headers: str, said: str
) -> None:
    text = HOME % (f'"{recipient}"', f'"{sender}"', to, home, headers)
    lines = found(text)
    assert bool(lines) is bool(said), lines
    assert all(said in line for line in lines)


def test_nothing_answers_its_own_mail() -> None:
    text = HOME % ("p@a.example", "p@a.example", "p@a.example", "reply", "")
    assert "nothing answers mail from its own address" in "\n".join(found(text))


def test_a_heartbeat_that_is_looked_for_too_seldom_is_a_warning() -> None:
    assert found(HEARTBEAT % ("maildir: {path: /x}", "10m", ""), usage=True) == []
    (line,) = found(HEARTBEAT % ("maildir: {path: /x}", "9m", ""))
    assert "modules.a.heartbeat.every: is less than two intervals of 5m" in line
    (line,) = found(HEARTBEAT % ("maildir: {path: /x}", "1h", ", interval: 40m"))
    assert "is less than two intervals of 40m" in line


def test_a_mailbox_that_may_not_be_read_within_a_look_cannot_work() -> None:
    assert found(HEARTBEAT % (POP3 % "30s", "1h", "")) == []
    (line,) = found(HEARTBEAT % (POP3 % "1m", "1h", ""))
    assert "modules.a.timeout: is not longer than poll_interval" in line
