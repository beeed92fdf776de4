"""What `check` says of a configuration that can be read and cannot work, or is probably
unintended."""

import os
from pathlib import Path

import pytest

from exporter.checks.references import references
from exporter.commands.review import in_the_way, review
from exporter.config.load import reading
from exporter.config.mistakes import Mistakes
from exporter.net.signatures.signing_key import new_signing_key
from exporter.settings import Settings

MAILBOX = "mailboxes:\n  m: {%s}\n"
SENDER = """\
mailboxes: {m: {maildir: {path: /x}}}
modules:
  a: {targets: ["*"], roundtrip: {from: a@b.example, mailbox: m, send: {%s}}}
"""
LOGIN = "username: u, password: hunter2"


def found(
    text: str, *, here: bool = True, usage: bool = False, now: float | None = None
) -> list[str]:
    read = reading(Settings, [("f", text.encode())], references)
    lines = [str(one) for one in review(read, here=here, usage=usage, now=now)]
    assert not any("hunter2" in line for line in lines)
    return lines


def test_a_file_with_the_url_of_a_proxy_is_read(tmp_path: Path) -> None:
    file = tmp_path / "proxy"
    text = SENDER % f"smtp: {{host: h, proxy: {{file: {file}}}}}"
    file.write_text("socks5://me:hunter2@proxy.example\n")
    (line,) = found(text)
    assert f"the proxy in {file} cannot be used: the port is missing" in line
    file.write_text("socks5://me:hunter2@proxy.example:1080\n")
    assert found(text) == []


def test_a_secret_for_a_collector_is_not_sent_in_plain_text_to_another_machine() -> None:
    text = "tracing: {endpoint: 'http://%s:4318', headers: {X-Scope: a, Authorization: hunter2}}"
    (line,) = found(text % "otel.example.org")
    assert line == (
        "f:1:62: warning: tracing.headers: Authorization is sent to otel.example.org in plain text:"
        " use https"
    )
    for here in ("127.0.0.1", "localhost", "[::1]"):
        assert found(text % here) == []
    assert found(text.replace("http:", "https:") % "otel.example.org") == []


def test_headers_and_certificates_for_a_collector_are_read(tmp_path: Path) -> None:
    text = (
        "tracing: {endpoint: 'https://otel.example.org', ca_file: %s, headers: {X-Key: {file: %s}}}"
    )
    lines = found(text % (tmp_path / "ca", tmp_path / "key"))
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == [
        "tracing.ca_file",
        "tracing.headers.X-Key",
    ]
    assert found(text % (tmp_path / "ca", tmp_path / "key"), here=False) == []


CONTRADICTIONS = {
    f"imap: {{host: h, port: 993, tls: starttls, {LOGIN}}}": (
        "tls: starttls cannot work on port 993, which starts with TLS: write tls: implicit,"
        " or port 143"
    ),
    f"imap: {{host: h, port: 993, tls: none, {LOGIN}}}": "tls: none cannot work on port 993",
    f"imap: {{host: h, port: 143, tls: implicit, {LOGIN}}}": (
        "tls: implicit cannot work on port 143, which starts in plain text: write tls:"
        " starttls, or port 993"
    ),
    f"pop3: {{host: h, port: 995, tls: starttls, {LOGIN}}}": "write tls: implicit, or port 110",
    f"pop3: {{host: h, port: 110, tls: implicit, {LOGIN}}}": "write tls: starttls, or port 995",
    f"imap: {{host: h, port: 995, {LOGIN}}}": (
        "995 is the port of POP3, but this option is for IMAP: 143 or 993"
    ),
    f"imap: {{host: h, port: 110, {LOGIN}}}": "110 is the port of POP3, but this option is for IMAP",
    f"imap: {{host: h, port: 465, {LOGIN}}}": "465 is the port of SMTP, but this option is for IMAP",
    f"pop3: {{host: h, port: 993, {LOGIN}}}": (
        "993 is the port of IMAP, but this option is for POP3: 110 or 995"
    ),
    f"smtp: {{host: h, port: 465, tls: starttls, {LOGIN}}}": "tls: implicit, or port 587",
    "smtp: {host: h, port: 465, tls: none}": "tls: none cannot work on port 465",
    f"smtp: {{host: h, port: 587, tls: implicit, {LOGIN}}}": (
        "tls: implicit cannot work on port 587"
    ),
    "smtp: {host: h, port: 25, tls: implicit}": "write tls: starttls, or port 465",
    f"smtp: {{host: h, port: 993, {LOGIN}}}": (
        "993 is the port of IMAP, but this option is for SMTP: 25 or 465 or 587"
    ),
    "smtp: {host: h, port: 143}": "143 is the port of IMAP, but this option is for SMTP",
    "mx: {port: 465}": "exchangers accept mail on port 25; port 465 is for clients",
    "smtp: {host: h, port: 993, tls: starttls}": "993 is the port of IMAP, but this option is for SMTP",
    f"imap: {{host: h, port: 110, tls: implicit, {LOGIN}}}": (
        "110 is the port of POP3, but this option is for IMAP"
    ),
    "mx: {port: 995}": "995 is the port of POP3, but this option is for SMTP",
}


@pytest.mark.parametrize(("part", "said"), CONTRADICTIONS.items(), ids=[*CONTRADICTIONS])
def test_a_port_that_contradicts_tls_or_the_protocol_is_no_good(part: str, said: str) -> None:
    (line,) = found((SENDER if part.startswith(("smtp", "mx")) else MAILBOX) % part)
    assert said in line
    assert line.startswith("f:")
    assert "warning" not in line
    assert line.partition(": ")[2].partition(":")[0].endswith(("port", "tls", "send.mx"))


@pytest.mark.parametrize(
    "part",
    [
        *(
            f"imap: {{host: h, {LOGIN}, {more}}}"
            for more in ("port: 993", "port: 143", "tls: starttls", "port: 1143")
        ),
        f"imap: {{host: h, {LOGIN}, port: 143, tls: none}}",
        f"imap: {{host: h, {LOGIN}, port: 4465, tls: starttls}}",
        *(
            f"pop3: {{host: h, {LOGIN}, {more}}}"
            for more in ("port: 995", "port: 110, tls: starttls", "tls: none")
        ),
        *(
            f"smtp: {{host: h, {LOGIN}, {more}}}"
            for more in ("port: 465", "port: 587", "port: 25, tls: starttls")
        ),
        "smtp: {host: h, port: 587, tls: none}",
        "mx: {port: 2525}",
        "mx: {port: 587}",
    ],
)
def test_a_port_that_fits_is_good(part: str) -> None:
    assert found((SENDER if part.startswith(("smtp", "mx")) else MAILBOX) % part) == []


def test_a_secret_that_a_comment_cuts_short_is_told_of() -> None:
    block = "mailboxes:\n  m:\n    imap:\n      host: h\n      username: u\n      password: %s\n"
    cut = (
        "f:6:17: mailboxes.m.imap.password: YAML ends the secret before the #, and what follows"
        " is not part of it"
    )
    assert found(block % "abc #hunter2") == [f"{cut}: quote the secret"]
    assert found(block % "abc   #hunter2#hunter2")[0].startswith(cut)
    (line,) = found(block % "abc # hunter2, of old")
    assert line.startswith("f:6:17: warning: mailboxes.m.imap.password: YAML ends the secret")
    for good in (
        "abc#hunter2",
        '"abc"  #hunter2',
        "'abc #hunter2'",
        "abc\n# hunter2",
        "abc\n      # hunter2",
    ):
        assert found(block % good) == []


def lines_of(path: Path, content: bytes) -> list[str]:
    path.write_bytes(content)
    return found(MAILBOX % f"imap: {{host: h, username: u, password: {{file: {path}}}}}")


def test_a_secret_that_is_not_there_or_empty_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, file = "f:2:46: mailboxes.m.imap.password", tmp_path / "secret"
    text = MAILBOX % "imap: {host: h, username: u, password: {%s}}"
    assert found(text % f"file: {file}") == [
        f"{where}: cannot read the secret in {file}: No such file or directory"
    ]
    assert found(text % f"file: {tmp_path}") == [
        f"{where}: cannot read the secret in {tmp_path}: Is a directory"
    ]
    monkeypatch.delenv("NO_SUCH", raising=False)
    assert found(text % "env: NO_SUCH") == [f"{where}: the environment variable NO_SUCH is not set"]
    monkeypatch.setenv("NO_SUCH", "")
    assert found(text % "env: NO_SUCH")[0].startswith(
        f"{where}: the environment variable NO_SUCH is empty"
    )
    assert found(text % "env: NO_SUCH", here=False) == []
    for empty in (b"", b"\n", b" \r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"):
        (line,) = lines_of(file, empty)
        words = "contains only blanks" if empty.strip(b"\xef\xbb\xbf\r\n") else "is empty"
        assert line == f"{where}: the file {file} {words}: there is no secret in it"
    assert lines_of(file, "pässword".encode("utf-16")) == [
        f"{where}: cannot read the secret in {file}: not UTF-8"
    ]
    for good in (
        b"hunter2",
        b"hunter2\n",
        b"hunter2\r\n",
        b"\xef\xbb\xbfhunter2\n",
        b"hun ter2",
        b'{\n"a": 1\n}\n',
    ):
        assert lines_of(file, good) == []
    for blank in (b"hunter2 \n", b" hunter2", b"hunter2\t"):
        (line,) = lines_of(file, blank)
        assert "warning: mailboxes.m.imap.password: " in line
        assert "begins or ends with a blank, which is part of the secret" in line
    for more in (b"hunter2\n\n", b"hunter2\n# old: hunter1\n", b"hunter2\r\n\r\n"):
        (line,) = lines_of(file, more)
        assert "has more than one line, and all lines are part of the secret" in line


def test_a_pattern_is_no_target_of_a_probe() -> None:
    text = SENDER % "mx: {}" + 'probes: [{name: p, module: a, target: "*@d.example"}]\n'
    (line,) = found(text)
    assert "warning: probes[0].target: is one target, and * is not a wildcard here" in line


def test_what_can_be_read_only_once_is_left_for_the_one_who_needs_it(tmp_path: Path) -> None:
    """As `password: {file: /dev/fd/63}` of a shell's `<(pass show imap)`."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(tmp_path / "pipe", os.O_WRONLY)
    os.write(writer, b"hunter2")
    secret = (
        f"imap: {{host: h, username: u, ca_file: {tmp_path}/pipe, password: {{file:"
        f" {tmp_path}/pipe}}}}"
    )
    assert found(MAILBOX % secret) == []
    assert os.read(reader, 100) == b"hunter2"
    os.close(writer)
    os.close(reader)
    (line,) = found(MAILBOX % "imap: {host: h, username: u, password: {file: /dev/null}}")
    assert line.endswith("the file /dev/null is empty: there is no secret in it")


def test_what_systemd_shows_only_to_a_running_unit_is_a_warning() -> None:
    unit = "/run/credentials/no-such-unit.service/imap"
    (line,) = found(
        MAILBOX % f"imap: {{host: h, username: u, ca_file: /dev/null, password: {{file: {unit}}}}}"
    )[1:]
    assert "warning: mailboxes.m.imap.password: exists only while the unit runs" in line


def test_a_key_that_cannot_sign_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    key = f"{{file: {file}}}"
    text = SENDER % "mx: {}}, dkim: {domain: b.example, selector: s1, key: %s" % key
    file.write_text(new_signing_key("ed25519", 0).pem)
    assert found(text) == []
    file.write_text("hello")
    (line,) = found(text)
    assert line.endswith(
        f"dkim.key: the key in {file} is not a private key in PEM format, or has a password"
    )
    (line,) = found(text.replace(key, "hello"))
    assert line.endswith("dkim.key: is not a private key in PEM format, or has a password")


def test_certificates_that_are_not_there_or_none_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no certificate\n")
    (tmp_path / "empty.pem").write_text("")
    text = MAILBOX % "imap: {host: h, ca_file: %s}"
    for file, said in {
        "none.pem": f"cannot read {tmp_path}/none.pem: No such file or directory",
        "": f"cannot read {tmp_path}/: Is a directory",
        "empty.pem": f"the file {tmp_path}/empty.pem is empty",
    }.items():
        assert found(text % f"{tmp_path}/{file}") == [f"f:2:32: mailboxes.m.imap.ca_file: {said}"]
    (line,) = found(text % f"{tmp_path}/text.pem")
    assert line.startswith(
        f"f:2:32: mailboxes.m.imap.ca_file: cannot use ca_file {tmp_path}/text.pem: "
    )
    receiver = (
        'smtpd: {listen: "127.0.0.1:0", recipients: [a@b.example], tls: {cert_file: %s, key_file:'
        " %s}}"
    )
    lines = found(MAILBOX % receiver % (tmp_path / "none.pem", tmp_path / "text.pem"))
    assert [line.split(": ")[1] for line in lines] == ["mailboxes.m.smtpd.tls.cert_file"]
    (line,) = found(MAILBOX % receiver % (tmp_path / "text.pem", tmp_path / "text.pem"))
    assert "mailboxes.m.smtpd.tls.cert_file: cannot use " in line
    oauth2 = "oauth2: {provider: microsoft, tenant: t, client_id: c, %s}"
    for proof in (
        "federated_token_file: /none",
        "certificate: {cert_file: /none, key_file: /dev/zero}",
    ):
        (line,) = found(MAILBOX % f"imap: {{host: h, username: u, {oauth2 % proof}}}")
        assert line.endswith("cannot read /none: No such file or directory")


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


@pytest.mark.parametrize(("given", "said"), TOGETHER.items(), ids=map(str, TOGETHER))
def test_options_that_never_go_together_are_told_of(given: tuple[str, ...], said: str) -> None:
    lines = found(COMBINED % given)
    assert len(lines) == bool(said)
    assert all(said in line and "modules.a." in line for line in lines)
    assert [": warning: " in line for line in lines] == [
        "should" in said or not any(word in said for word in ("size", "poll", "require"))
    ] * bool(said)


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
NO_JUNK = "modules.a.roundtrip.expect.junk: the mailbox %s has no junk folder: use imap or maildir"
UNPROVEN = (
    "warning: modules.a.roundtrip.expect.lost: no other module proves that ordinary mail arrives in"
)
NOT_ITS_OWN = (
    "probes[0].target: the payload goes to x@c.example, and the mailbox imap is of y@c.example"
)


@pytest.mark.parametrize(
    ("user", "mailbox", "expect", "other", "said"),
    [
        ("x@c.example", "imap", "junk: true", "imap", ""),
        ("x@c.example", "inbox", "junk: true", "imap", NO_JUNK % "inbox"),
        ("x@c.example", "pop", "junk: true", "imap", NO_JUNK % "pop"),
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


def test_options_of_tls_without_tls_are_a_warning(tmp_path: Path) -> None:
    (line,) = found(MAILBOX % "imap: {host: h, tls: none, verify: false, server_name: x}")
    assert (
        line
        == "f:2:42: warning: mailboxes.m.imap.verify: verify, server_name: no effect with tls: none"
    )


def test_an_alias_repeats_nothing() -> None:
    text = (
        "mailboxes:\n  m: {imap: &a {host: h, username: u, password: {env: NO_SUCH}}}\n  n: {imap:"
        " *a}\n"
    )
    assert found(text) == [
        "f:2:49: mailboxes.m.imap.password: the environment variable NO_SUCH is not set"
    ]


def test_in_the_way_of_a_trip_is_what_its_module_and_its_mailboxes_name() -> None:
    text = (SENDER % "smtp: {host: h, username: u, password: {env: NO_A}}").replace(
        "maildir: {path: /x}", "imap: {host: h, username: u, password: {env: NO_M}}"
    )
    text += "  b: {dnsbl: {lists: [{name: x, zone: '{key}.x.example', key: {env: NO_B}}]}}\n"
    read = reading(Settings, [("f", text.encode())], references)
    for module, missing in {"a": ["NO_M", "NO_A"], "b": ["NO_B"], "nowhere": []}.items():
        assert [str(one).split()[-4] for one in in_the_way(read, module)] == missing


@pytest.mark.parametrize("version", ["TLS10", "TLS11"])
def test_old_tls_is_a_warning(version: str) -> None:
    (line,) = found(MAILBOX % f"imap: {{host: h, {LOGIN}, tls_min_version: {version}}}")
    assert f"warning: mailboxes.m.imap.tls_min_version: {version} is insecure (RFC 8996)" in line
    assert found(MAILBOX % f"imap: {{host: h, {LOGIN}, tls_min_version: TLS12}}") == []


@pytest.mark.parametrize("value", ['"{file: /run/x}"', "'{ env: X }'", "$TOKEN", "${TOKEN}"])
def test_a_header_that_looks_like_a_reference_is_a_warning(value: str) -> None:
    headers = f"headers: {{X-Team: {value}, X-Other: mail}}" if not value.startswith("$") else ""
    headers = headers or f"headers: {{X-Team: '{value}', X-Other: mail}}"
    (line,) = found(SENDER.replace("mailbox: m,", f"mailbox: m, {headers},") % "smtp: {host: h}")
    assert (
        "headers.X-Team: is used literally: the value of a header is never read from a file" in line
    )
    assert "warning" in line


@pytest.mark.parametrize("kind", ["file", "env"])
def test_a_header_cannot_be_a_reference(kind: str) -> None:
    text = (
        SENDER.replace("mailbox: m,", f"mailbox: m, headers: {{X-Team: {{{kind}: X}}}},")
        % "smtp: {host: h}"
    )
    with pytest.raises(Mistakes) as caught:
        found(text)
    assert (
        "headers.X-Team: a header value must be text: {file: PATH} and {env: NAME} work only for"
        in str(caught.value)
    )


WINDOW = """\
modules:
  sent: {roundtrip: {from: a@b.example, send: {mx: {}}, expect: {code: 554}}, targets: [%s]}
probes: [{name: mx-a, module: sent, target: a@b.example}]
maintenance:
  - {name: move, probes: [%s], start: 2026-12-24T22:00:00+01:00, end: 2026-12-25T02:00:00+01:00}
"""
IN_TIME, TOO_LATE = 1798160399.0, 1798160400.0  # until 2026-12-25T01:00:00Z


@pytest.mark.parametrize(
    ("targets", "pattern"),
    [
        ("", "mx-a"),
        ("", "MX*"),
        ("c@d.example", "c@D.example"),
        ("c@d.example", '"*@d.example"'),
        ('"*@d.example"', "c@d.example"),
        ("192.0.2.0/24", "192.0.2.1"),
    ],
)
def test_a_window_may_be_for_a_named_probe_or_for_a_pair(targets: str, pattern: str) -> None:
    module = {"mx: {}": "smtp: {host: '{target}'}"} if targets[:1] == "1" else {}
    text = WINDOW % (targets, pattern)
    for before, after in module.items():
        text = text.replace(before, after).replace("target: a@b.example", "target: h.example")
        text = text.replace("from: a@b.example", "from: a@b.example, to: a@b.example")
    assert found(text, now=IN_TIME) == []


def test_a_window_for_no_probe() -> None:
    text = "f:5:27: warning: maintenance[0].probes[0]: matches no probe; did you mean mx-a?"
    assert found(WINDOW % ("", "mx-b"), now=IN_TIME) == [text]
    assert found(WINDOW % ("c@d.example", "'*@e.example'"), now=IN_TIME) == [
        "f:5:27: warning: maintenance[0].probes[0]: matches no probe; known: mx-a"
    ]


def test_a_window_that_is_over() -> None:
    assert found(WINDOW % ("", "mx-a"), now=TOO_LATE) == [
        "f:5:73: warning: maintenance[0].end: is over since 2026-12-25T02:00:00+01:00: remove it, or"
        " correct end"
    ]


HOME = """\
mailboxes:
  m: {smtpd: {listen: "192.0.2.1:25", recipients: [%s]}}
modules:
  a:
    targets: ["*"]
    roundtrip: {from: %s, to: %s, send: {mx: {}}, mailbox: m, home: %s, headers: {%s}}
"""


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
            " q+{trip}@a.example, to which everything comes with home: reply: add it to the"
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


HEARTBEAT = """\
mailboxes: {m: {%s}}
modules: {a: {interval: 5m, heartbeat: {mailbox: m, from: "a@*", every: %s}}}
probes: [{name: a, module: a%s}]
"""
POP3 = "pop3: {host: h, username: u, password: hunter2, poll_interval: %s}"


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


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CONFIGURATIONS = sorted(
    file.name for file in EXAMPLES.glob("*.yml") if "modules:" in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_there_is_nothing_to_say_of_an_example(name: str) -> None:
    assert review(Settings.reading(str(EXAMPLES / name)), here=False) == ()
