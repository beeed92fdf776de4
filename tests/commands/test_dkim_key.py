"""`mailtrip dkim-key`: a key, and the record that goes with it."""

import re
import stat
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest

from exporter.commands.cli import main
from exporter.net.signatures.signing_key import read_signing_key
from exporter.settings import Settings


def dkim_key(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["dkim-key", *arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(("flags", "kind"), [((), "rsa"), (("--key.type", "ed25519"), "ed25519")])
def test_the_record_is_one_that_a_name_server_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str], kind: str
) -> None:
    file = tmp_path / "dkim.pem"
    assert dkim_key("Example.org", "S1", "--key.file", str(file), *flags) == 0
    printed, errors = capsys.readouterr()
    assert errors == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = read_signing_key(file.read_text())
    assert key.kind == kind
    zone = dns.zone.from_text(f"$TTL 60\n{printed}", "example.org.", check_origin=False)
    records = zone.find_rdataset("s1._domainkey", dns.rdatatype.TXT)
    (record,) = [b"".join(one.strings).decode() for one in records]
    assert record == f"v=DKIM1; k={kind}; p={key.published}"
    assert "PRIVATE" not in printed


def test_what_it_prints_for_the_configuration_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dkim_key("example.org", "s1", "--key.file", str(tmp_path / "dkim.pem"))
    (options,) = re.findall("^; +(dkim: .*)$", capsys.readouterr().out, re.MULTILINE)
    text = f"""
mailboxes: {{own: {{smtpd: {{listen: ":2525", recipients: [monitor@example.org]}}}}}}
modules:
  inbound:
    targets: ["*@example.org"]
    roundtrip: {{from: probe@example.org, send: {{mx: {{}}}}, mailbox: own, {options}}}
"""
    trip = Settings.parse(text.encode(), "mailtrip.yml").modules["inbound"].roundtrip
    assert trip is not None
    assert trip.dkim is not None
    assert (trip.dkim.domain, trip.dkim.selector) == ("example.org", "s1")
    assert read_signing_key(trip.dkim.key.reveal())


def test_a_key_that_exists_is_kept_and_its_record_printed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dkim.pem"
    dkim_key("example.org", "s1", "--key.file", str(file))
    key, (first, _) = file.read_bytes(), capsys.readouterr()
    assert dkim_key("example.org", "s1", "--key.file", str(file), "--key.type", "ed25519") == 0
    again, errors = capsys.readouterr()
    assert again == first
    assert errors == f"{file} exists: this is the record of the key in it\n"
    assert file.read_bytes() == key


@pytest.mark.parametrize(
    ("domain", "selector", "content", "problem"),
    [
        ("exa mple.org", "s1", None, "not a domain; write one such as example.org"),
        ("example.org", "s 1", None, "not a selector; write letters and digits"),
        ("example.org", "s1", "mine", "exists, and the key in it is not a private key in PEM"),
    ],
)
def test_a_mistake_is_one_line_and_no_file_is_changed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    domain: str,
    selector: str,
    content: str | None,
    problem: str,
) -> None:
    file = tmp_path / "dkim.pem"
    if content:
        file.write_text(content)
    assert dkim_key(domain, selector, "--key.file", str(file)) == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert errors.startswith("mailtrip: ")
    assert problem in errors
    assert errors.count("\n") == 1
    assert (file.read_text() if content else not file.exists()) in (content, True)


def test_a_directory_that_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "missing/dkim.pem"
    assert dkim_key("example.org", "s1", "--key.file", str(file)) == 2
    assert capsys.readouterr().err == f"mailtrip: cannot write {file}: No such file or directory\n"
