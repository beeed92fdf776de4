"""What `check` says of certificates."""

from pathlib import Path

from tests.support.reviewed import MAILBOX, found


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
    assert found(text % "none.pem") == [
        f"f:2:32: mailboxes.m.imap.ca_file: cannot read {Path.cwd()}/none.pem: No such file or"
        " directory"
    ]
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
