"""A matrix makes a probe for each sender and recipient, and its errors are where it is written."""

import pytest

from exporter.checks.matrix import MOST_CELLS
from exporter.config.mistakes import Mistakes
from exporter.core.matrix import Cell
from exporter.core.model import ProbeKey
from exporter.settings import Settings

TEXT = """\
mailboxes:
  gmail: {maildir: {path: /var/mail/gmail}}
  outlook: {maildir: {path: /var/mail/outlook}}
modules:
  m:
    roundtrip:
      from: monitor@example.org
      send: {smtp: {host: "{from}", username: shop, password: {file: "/run/secrets/{from}"}}}
      mailbox: "{to}"
probes:
  - name: "{from}-{to}"
    module: m
    matrix:
      from: {a: relay.example.org, b: relay.example.net}
      to: {gmail: x@gmail.com, outlook: y@outlook.com}
"""
MATRIX = TEXT[TEXT.index("    matrix:") :]
SENDERS = "{a: relay.example.org, b: relay.example.net}"
RECIPIENTS = "{gmail: x@gmail.com, outlook: y@outlook.com}"


def settings(old: str = "", new: str = "", text: str = TEXT) -> Settings:
    assert old in text
    return Settings.parse(text.replace(old, new, 1).encode(), "m.yml")


def mistakes(old: str, new: str, text: str = TEXT) -> list[str]:
    with pytest.raises(Mistakes) as raised:
        settings(old, new, text)
    return str(raised.value).splitlines()


def test_each_sender_and_recipient_is_a_probe_with_its_own_mailbox_and_relay() -> None:
    made = settings()
    assert {key: probe.name for key, probe in made.entries.items()} == {
        ProbeKey("m-a-gmail", "x@gmail.com"): "a-gmail",
        ProbeKey("m-a-outlook", "y@outlook.com"): "a-outlook",
        ProbeKey("m-b-gmail", "x@gmail.com"): "b-gmail",
        ProbeKey("m-b-outlook", "y@outlook.com"): "b-outlook",
    }
    (_, probe, *_), trip = made.probes, made.modules["m-a-outlook"].roundtrip
    assert probe.matrix
    assert probe.matrix.cell == Cell("m", "a", "outlook")
    assert trip
    assert trip.mailbox == "outlook"
    (_, sender) = trip.send.chosen
    assert sender.host == "relay.example.org"
    assert sender.password.origin == "/run/secrets/relay.example.org"


def test_what_a_list_has_is_named_after_itself() -> None:
    made = settings(
        RECIPIENTS,
        "[x@gmail.com, +y@outlook.com]",
        TEXT.replace('mailbox: "{to}"', "mailbox: gmail"),
    )
    assert [probe.name for probe in made.probes] == [
        "a-x-gmail.com",
        "a-y-outlook.com",
        "b-x-gmail.com",
        "b-y-outlook.com",
    ]
    assert [*made.modules] == ["m-a", "m-b"]


def test_senders_may_be_modules() -> None:
    text = """
mailboxes: {x: {maildir: {path: /m}}}
modules:
  own: &own {roundtrip: {from: a@example.org, send: {smtp: {host: own.example.org}}, mailbox: x}}
  rented: {roundtrip: {from: a@example.org, send: {mx: {}}, mailbox: x}}
probes:
  - name: "{from}-to-{to}"
    module: "{from}"
    matrix: {name: ways, from: [own, rented], to: {x: x@gmail.com}}
"""
    made = settings(text=text)
    assert [(one.name, one.module) for one in made.probes] == [
        ("own-to-x", "own"),
        ("rented-to-x", "rented"),
    ]
    assert [one.matrix.cell.matrix for one in made.probes if one.matrix] == ["ways", "ways"]
    unnamed = settings("name: ways, ", "", text)
    assert unnamed.probes[0].matrix
    assert unnamed.probes[0].matrix.cell.matrix == "matrix"


def test_a_configuration_that_was_copied_from_a_page_is_the_same() -> None:
    shown = settings().shown().replace("<secret>", "hunter2")
    again = Settings.parse(shown.encode(), "shown.yml")
    assert again.entries.keys() == settings().entries.keys()
    assert [one.matrix for one in again.probes] == [one.matrix for one in settings().probes]


def test_other_entries_and_modules_stay_as_they_are() -> None:
    more = '  - {name: single, module: other, target: "{from}@example.org"}\n'
    other = "  other: {roundtrip: {from: a@example.org, send: {mx: {}}, mailbox: gmail}}\n"
    text = TEXT.replace("probes:\n", other + "probes:\n")
    with pytest.raises(Mistakes, match=r"m\.yml:17:43: probes\[1\]\.target: invalid target"):
        Settings.parse((text + more).encode(), "m.yml")
    made = Settings.parse((text + more.replace("{from}", "b")).encode(), "m.yml")
    assert [one.name for one in made.probes][-1] == "single"
    assert [*made.modules][-1] == "other"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "{from}-{to}",
            "{from}",
            "m.yml:11:11: probes[0].name: must contain {to}, so that every probe has its own name",
        ),
        (
            "{from}-{to}",
            "{from}-{to}-/",
            "m.yml:11:11: probes[0].name: not a name; use up to 100 letters a-z, A-Z, digits,"
            " - _ . and begin with a letter or digit",
        ),
        (
            'host: "{from}", username: shop, password: {file: "/run/secrets/{from}"}',
            "host: relay.example.org",
            "m.yml:14:13: probes[0].matrix.from: the senders do not differ: write {from} in"
            ' `module`, or in the options of the module m, such as host: "{from}"',
        ),
        (
            "relay.example.org",
            "relay example",
            "m.yml:8:27: modules.m.roundtrip.send.smtp.host: not a host; write a name, such as"
            " mail.example.org, or an address, such as 192.0.2.1; {from} is relay example",
        ),
        (
            "gmail: x@",
            "gmial: x@",
            "m.yml:9:16: modules.m.roundtrip.mailbox: unknown mailbox gmial; did you mean gmail?",
        ),
        (
            "y@outlook.com",
            "nowhere",
            "m.yml:15:41: probes[0].matrix.to.outlook: invalid target for module m-a-outlook: to"
            " would be 'nowhere': not an e-mail address; write it as local@domain, such as"
            " probe@example.org",
        ),
        (
            RECIPIENTS,
            "[x@gmail.com, x@gmail.com]",
            "m.yml:15:11: probes[0].matrix.to: two entries have the name x-gmail.com: remove one,"
            " or write names, such as {first: x@gmail.com}",
        ),
        (
            SENDERS,
            "['@']",
            "m.yml:14:13: probes[0].matrix.from: no name can be made of it: write one, such as"
            " {first: @}",
        ),
        (
            SENDERS,
            "[1]",
            "m.yml:14:13: probes[0].matrix.from: every entry must be text: put it in quotes",
        ),
        (
            SENDERS,
            "a",
            "m.yml:14:13: probes[0].matrix.from: must be a list of texts, or a mapping of names to"
            " texts",
        ),
        (
            SENDERS,
            "['{to}']",
            "m.yml:14:13: probes[0].matrix.from: no placeholder is supported here",
        ),
        (
            SENDERS,
            "[]",
            f"m.yml:14:13: probes[0].matrix.from: must have one to {MOST_CELLS} entries",
        ),
        (
            SENDERS,
            f"[{', '.join(f'r{number}.example.org' for number in range(501))}]",
            "m.yml:14:7: probes[0].matrix: makes 1,002 probes, and all matrices together may make"
            " 1,000",
        ),
        (
            "    matrix:\n",
            "    target: z@example.org\n    matrix:\n",
            "m.yml:13:13: probes[0].target: use target or matrix, not both: the targets of a matrix"
            " are in `to`",
        ),
        (
            "    module: m\n",
            "    module: k\n",
            "m.yml:12:13: probes[0].module: unknown module k; known: m",
        ),
        (
            MATRIX,
            "    matrix:\n",
            "m.yml:13:5: probes[0].matrix: is empty: add a value, or remove the key",
        ),
        (
            "modules:\n",
            "modules:\n  m-a-gmail: {roundtrip: {from: a@b.org, send: {mx: {}}, mailbox: gmail}}\n",
            "m.yml:7:5: modules.m: its copy would have the name of the module m-a-gmail: rename one"
            " of them",
        ),
        (
            f"{SENDERS}\n      to: {RECIPIENTS}",
            "{a: r.example.org, a-gmail: s.example.org}\n"
            "      to: {gmail-gmail: x@gmail.com, gmail: y@gmail.com}",
            "m.yml:14:7: probes[0].matrix: two copies of m would have the name m-a-gmail-gmail:"
            " rename an entry",
        ),
    ],
)
def test_an_error_is_one_clear_line_where_it_is_written(old: str, new: str, line: str) -> None:
    found = mistakes(old, new)
    assert line in found
    others = [one for one in found if one != line]
    assert not others or "two copies" in line, "nothing that only follows from it"


def test_a_module_without_placeholders_has_one_error() -> None:
    """That its probes have no target yet is none."""
    text = TEXT.replace('host: "{from}", username: shop', "host: relay.example.org, username: shop")
    text = text.replace("/{from}", "/shop").replace('mailbox: "{to}"', "mailbox: gmail")
    (line,) = mistakes("", "", text)
    assert "the senders do not differ" in line


def test_without_a_matrix_a_target_is_required() -> None:
    text = TEXT.replace(MATRIX, "").replace("{from}-{to}", "single")
    assert "m.yml:11:5: probes[0]: target is missing" in mistakes("", "", text)


def test_a_thousand_cells_are_read_and_two_thousand_in_two_matrices_are_not() -> None:
    many = f"[{', '.join(f'r{number}.example.org' for number in range(500))}]"
    text = TEXT.replace(SENDERS, many)
    assert len(settings(text=text).probes) == MOST_CELLS
    second = text[text.index("  - name:") :].replace("{from}-{to}", "again-{from}-{to}")
    (line,) = mistakes("", "", text + second)
    assert line.startswith("m.yml:19:7: probes[1].matrix: makes 1,000 probes")
