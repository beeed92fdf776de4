"""The lab keeps its promises: what its README says is true. Asked with other people's clients, not
with ours."""

import email
import imaplib
import os
import poplib
import smtplib
import ssl
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import Message
from itertools import chain

import pytest

from exporter.mail.composition import Content, ProbeMessage, compose
from exporter.mail.tokens import Mint
from tests.lab import facts
from tests.lab.client import Lab, LabUser
from tests.lab.shell import LabError, can_connect, wait_until

SENDER = "monitor@mon.test"


MESSAGE_ID = f"<{uuid.uuid4().hex}@mon.test>"  # Sieve does not redirect the same message twice


def composed(recipient: str) -> str:
    return (
        f"From: <{SENDER}>\r\nTo: <{recipient}>\r\nSubject: hello\r\nMessage-ID:"
        f" {MESSAGE_ID}\r\n\r\nHello.\r\n"
    )


def trust(lab: Lab) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=lab.ca)


def submit(lab: Lab, recipient: str) -> None:
    """Sends to the relay as a mail program does: STARTTLS, password."""
    with smtplib.SMTP(lab.relay_ip, 587, timeout=10) as client:
        client.starttls(context=trust(lab))
        client.login("probe@lab.test", lab.password)
        client.sendmail(SENDER, [recipient], composed(recipient))


def submit_to_mx(lab: Lab, recipient: str) -> None:
    """Sends to the MX as a mail server does."""
    with smtplib.SMTP(
        lab.mx_ip, 25, "mx.mon.test", timeout=10, source_address=(lab.mon_ip, 0)
    ) as client:
        client.sendmail(SENDER, [recipient], composed(recipient))


@pytest.fixture
def person(lab: Lab) -> Iterator[Callable[[str], LabUser]]:
    """Somebody of those with a name, with an empty mailbox."""
    named: list[LabUser] = []

    def purged(name: str) -> LabUser:
        named.append(lab.user(name))
        named[-1].purge()
        return named[-1]

    yield purged
    for user in named:
        user.purge()


@pytest.fixture
def monitor(lab: Lab, person: Callable[[str], LabUser]) -> LabUser:
    """Mail for mon.test lands in a mailbox."""
    user = person("monitor")
    lab.send_mon_to("dovecot")
    return user


def parsed(user: LabUser, count: int = 1) -> list[Message]:
    return [email.message_from_bytes(mail.content) for mail in user.wait_for_mails(count)]


def test_a_submitted_message_is_signed_relayed_and_stored(lab: Lab, lab_user: LabUser) -> None:
    submit(lab, lab_user.address)
    [mail] = parsed(lab_user)
    results = mail["Authentication-Results"]
    assert all(f"{method}=pass" in results for method in ("dkim", "spf", "dmarc")), results
    assert len(mail.get_all("Received", [])) == 3


def test_the_relay_wants_tls_and_a_password(lab: Lab) -> None:
    with smtplib.SMTP(lab.relay_ip, 587, timeout=10) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.mail(SENDER)[0] == 530
        client.starttls(context=trust(lab))
        with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
            client.login("probe@lab.test", "wrong")
    assert refusal.value.smtp_code == 535


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_everybody_may_call_the_sendmail_program(lab: Lab, lab_user: LabUser, user: str) -> None:
    as_user = ["setpriv", f"--reuid={user}", "--clear-groups"] if os.geteuid() == 0 else []
    message = composed(lab_user.address).replace("\r\n", "\n")
    command = [*as_user, lab.sendmail, "-i", "-f", SENDER, "--", lab_user.address]
    subprocess.run(command, input=message, text=True, check=True, timeout=10)
    assert parsed(lab_user)[0]["Message-ID"] == MESSAGE_ID


def test_a_mailbox_can_be_read_by_imap_and_by_pop3(lab: Lab, lab_user: LabUser) -> None:
    lab_user.deliver(composed(lab_user.address).encode())
    with imaplib.IMAP4_SSL(lab.imap_ip, ssl_context=trust(lab), timeout=10) as imap:
        imap.login(lab_user.name, lab.password)
        assert imap.select() == ("OK", [b"1"])
        assert "IDLE" in imap.capabilities
        assert b"\\Junk" in b" ".join(
            folder for folder in imap.list()[1] if isinstance(folder, bytes)
        )
    pop3 = poplib.POP3(lab.imap_ip, timeout=10)
    pop3.stls(trust(lab))
    pop3.user(lab_user.address)
    pop3.pass_(lab.password)
    assert pop3.stat()[0] == 1
    pop3.quit()


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("nobody@lab.test", 550),
        ("reject@lab.test", 554),
        ("tempfail@lab.test", 451),
        ("someone@elsewhere.test", 554),
    ],
)
def test_the_mx_refuses_at_rcpt(lab: Lab, recipient: str, code: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        submit_to_mx(lab, recipient)
    assert refusal.value.recipients[recipient][0] == code


def test_greylisting_defers_a_new_correspondent_who_gets_through_later(lab: Lab) -> None:
    sender = f"{uuid.uuid4().hex}@mon.test"

    def code() -> int:
        with smtplib.SMTP(
            lab.mx_ip, 25, "mx.mon.test", timeout=10, source_address=(lab.mon_ip, 0)
        ) as client:
            client.ehlo()
            client.mail(sender)
            return client.rcpt("grey@lab.test")[0]

    assert code() == 450
    assert wait_until(lambda: code() == 250, 10, pause=0.2)
    assert code() == 450


def test_junk_is_filed_as_junk(lab: Lab, person: Callable[[str], LabUser]) -> None:
    user = person("junk")
    user.deliver(composed(user.address).encode())
    assert [mail.folder for mail in user.mails()] == ["Junk"]


def test_away_answers_each_sender_once_and_keeps_nothing(
    lab: Lab, lab_user: LabUser, person: Callable[[str], LabUser]
) -> None:
    away, run = person("away"), uuid.uuid4().hex[:12]
    for tag in ("one", "one", "two"):
        sender = f"{lab_user.name}+{tag}-{run}@lab.test"
        away.deliver(composed(away.address).replace(SENDER, sender).encode(), sender)
    answers = parsed(lab_user, 2)
    assert [mail["Auto-Submitted"] for mail in answers] == ["auto-replied (vacation)"] * 2
    assert [mail["In-Reply-To"] for mail in answers] == [MESSAGE_ID] * 2
    assert away.mails() == []


def test_dup_gets_two_copies_with_one_message_id(
    lab: Lab, person: Callable[[str], LabUser]
) -> None:
    user = person("dup")
    submit_to_mx(lab, user.address)
    assert [mail["Message-ID"] for mail in parsed(user, 2)] == [MESSAGE_ID] * 2


def test_slow_mail_shows_its_hop(lab: Lab, person: Callable[[str], LabUser]) -> None:
    user = person("slow2")
    submit_to_mx(lab, user.address)
    assert not user.mails()
    assert any("by hop.lab.test" in trace for trace in parsed(user)[0].get_all("Received", []))


@pytest.mark.parametrize(
    ("recipient", "envelope_sender"),
    [("forward", "forward@lab.test"), ("alias", SENDER), ("rewrite-full", None)],
)
def test_mail_is_forwarded_to_mon(
    lab: Lab, monitor: LabUser, recipient: str, envelope_sender: str | None
) -> None:
    submit_to_mx(lab, f"{recipient}@lab.test")
    [mail] = parsed(monitor)
    if envelope_sender:
        assert (mail["Message-ID"], mail["Return-Path"]) == (MESSAGE_ID, f"<{envelope_sender}>")
    else:
        [_, attachment] = [part for part in mail.walk() if part["Subject"]]
        assert (mail["Subject"], attachment["Message-ID"]) == ("Fwd: hello", MESSAGE_ID)


@pytest.mark.parametrize(
    ("recipient", "status"),
    [
        ("nobody@lab.test", "5.1.1"),
        ("full@lab.test", "5.2.2"),
        ("probe@nullmx.test", "5.1.0"),
        ("probe@nxdomain.test", "5.4.4"),
    ],
)
def test_what_the_relay_cannot_deliver_bounces(
    lab: Lab, monitor: LabUser, recipient: str, status: str
) -> None:
    submit(lab, recipient)
    [report] = monitor.wait_for_mails()
    assert b"multipart/report" in report.content
    assert f"\nStatus: {status}".encode() in report.content


@pytest.mark.parametrize("domain", ["deadfirst.test", "nomx.test"])
def test_the_relay_finds_the_exchanger_that_works(
    lab: Lab, person: Callable[[str], LabUser], domain: str
) -> None:
    user = person("probe")
    submit(lab, f"probe@{domain}")
    assert parsed(user)


def test_mail_is_delivered_while_imap_is_down(lab: Lab, lab_user: LabUser) -> None:
    lab.stop("imap")
    assert not can_connect(lab.imap_ip, 993)
    submit_to_mx(lab, lab_user.address)
    assert len(lab_user.wait_for_mails()) == 1
    lab.start("imap")
    assert can_connect(lab.imap_ip, 993)


def test_paused_delivery_goes_on_later(lab: Lab, lab_user: LabUser) -> None:
    lab.pause_delivery()
    submit_to_mx(lab, lab_user.address)
    assert lab_user.address in lab.command("queue")
    assert not lab_user.mails()
    lab.resume_delivery()
    assert len(lab_user.wait_for_mails()) == 1


def test_certificates_expire_and_are_good_again(lab: Lab) -> None:
    lab.expire_certificates()
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        imaplib.IMAP4_SSL(lab.imap_ip, ssl_context=trust(lab), timeout=10)
    lab.restore_certificates()
    imaplib.IMAP4_SSL(lab.imap_ip, ssl_context=trust(lab), timeout=10).logout()


@pytest.mark.parametrize("how", ["key", "cipher"])
def test_tls_is_broken_and_a_mail_server_delivers_in_plain_text(
    lab: Lab, lab_user: LabUser, how: str
) -> None:
    """Postfix with `smtp_tls_security_level = may`: what `mx` is to do. After a failed handshake it
    waits for `minimal_backoff_time`, 3 s here."""
    lab.break_tls(how)
    log = lab.follow("relay")
    submit(lab, lab_user.address)
    (mail,) = lab_user.wait_for_mails(1, 40)
    _, hop, *_ = email.message_from_bytes(mail.content).get_all("Received", [])
    assert "from relay.lab.test" in hop
    assert "TLS" not in hop
    assert ("Cannot start TLS" in log()) == (how == "cipher")
    lab.put_levers_back()
    assert "tls=good" in lab.command("status")


def test_levers_are_put_back_after_a_test(lab: Lab) -> None:
    lab.stop("rbl")
    lab.pause_delivery()
    lab.put_levers_back()
    assert "paused=no" in lab.command("status")


def test_up_replaces_what_was_killed_and_leaves_the_rest_alone(lab: Lab) -> None:
    def status() -> set[str]:
        return set(lab.command("status").splitlines())  # a line for each server, with its pid

    before = status()
    lab.stop("rbl")
    lab.command("up")
    [new] = status() - before
    assert new.startswith("rbl")


def test_up_does_not_write_into_files_that_servers_read(lab: Lab) -> None:
    """A server that started just then would read a part of it. It is replaced, if at all."""
    with ExitStack() as stack:
        written: dict[int, int] = {}
        patterns = ("etc/tls/*", "var/mail/*/.dovecot.sieve", "var/*/spool/etc/*")
        files = [list(lab.directory.glob(pattern)) for pattern in patterns]
        assert all(files)
        for file in chain(*files):
            descriptor = os.open(file, os.O_PATH)
            stack.callback(os.close, descriptor)
            written[descriptor] = os.fstat(descriptor).st_mtime_ns
        lab.command("up")
        assert written == {each: os.fstat(each).st_mtime_ns for each in written}


def test_a_lab_that_somebody_uses_is_neither_emptied_nor_stopped(
    lab: Lab, lab_user: LabUser
) -> None:
    lab_user.deliver(composed(lab_user.address).encode())
    other = Lab()
    assert not other.up()
    other.empty()
    lab.empty()
    assert len(lab_user.mails()) == 1
    other.down()
    assert can_connect(lab.imap_ip, 993)


def test_a_lab_that_is_used_here_alone_is_emptied(lab: Lab, lab_user: LabUser) -> None:
    """Its mailboxes and queues; and it stays in use."""
    lab_user.deliver(composed(lab_user.address).encode())
    lab.pause_delivery()
    submit_to_mx(lab, lab_user.address)
    assert lab_user.address in lab.command("queue")
    lab.empty()
    assert lab_user.mails() == []
    assert lab_user.address not in lab.command("queue")
    other = Lab()
    assert not other.up()
    other.down()
    assert can_connect(lab.imap_ip, 993)


def test_a_wrong_command_says_so(lab: Lab) -> None:
    with pytest.raises(LabError, match="no server teapot"):
        lab.stop("teapot")


def test_a_users_mails_tell_flags_but_not_who_looked(lab: Lab, lab_user: LabUser) -> None:
    lab_user.deliver(composed(lab_user.address).encode())
    before = lab_user.mails()
    with imaplib.IMAP4_SSL(lab.imap_ip, ssl_context=trust(lab), timeout=10) as imap:
        imap.login(lab_user.name, lab.password)
        imap.select()
        imap.fetch("1", "(BODY.PEEK[])")
        assert lab_user.mails() == before
        imap.store("1", "+FLAGS", r"(\Flagged \Seen)")
        [flagged] = lab_user.mails()
    assert (flagged.flags, flagged.name) == ("FS", before[0].name)
    assert flagged != before[0]


def test_a_mailbox_is_a_whole_maildir_before_its_first_message(
    person: Callable[[str], LabUser],
) -> None:
    maildir = person("probe").maildir
    assert {path.name for path in maildir.iterdir()} == {"cur", "new", "tmp"}
    assert all(path.owner() == "mail" for path in maildir.iterdir())


def test_mailboxes_can_be_looked_into_without_being_root(lab_user: LabUser) -> None:
    lab_user.deliver(composed(lab_user.address).encode())
    [mail] = lab_user.mails()
    assert mail.path.stat().st_mode & 0o004
    assert all(directory.stat().st_mode & 0o005 == 0o005 for directory in mail.path.parents)


def test_two_tests_never_share_a_user(lab: Lab, lab_user: LabUser) -> None:
    with lab.fresh_user() as other:
        assert other.name != lab_user.name


def test_the_next_user_is_another_whom_no_late_message_of_the_test_before_reaches(
    lab: Lab,
) -> None:
    with lab.fresh_user() as first:
        pass
    with lab.fresh_user() as second:
        assert second.name != first.name


def carrying(payload: str, recipient: str) -> ProbeMessage:
    token = Mint(b"k" * 32).mint(1_700_000_000)
    return compose(token, "probe@mon.test", recipient, 1_700_000_000, Content(payload=payload))


def deliver(lab: Lab, message: ProbeMessage, port: int = 25) -> int:
    """The reply code of the MX."""
    source = (lab.mon_ip, 0)
    with smtplib.SMTP(lab.mx_ip, port, lab.mon_name, timeout=20, source_address=source) as client:
        try:
            client.sendmail(message.sender, message.recipient, message.raw)
        except smtplib.SMTPDataError as refusal:
            return refusal.smtp_code
        return 250


@pytest.mark.parametrize(
    ("payload", "code"), [("gtube", 554), ("eicar", 554), ("blocked_attachment", 550)]
)
def test_the_mx_refuses_what_its_filters_find(
    lab: Lab, lab_user: LabUser, payload: str, code: int
) -> None:
    message = carrying(payload, lab_user.address)
    assert deliver(lab, message) == code
    assert deliver(lab, message, 10027) == 250
    lab_user.wait_for_mails()


def test_the_mx_refuses_forged_mail_for_the_domain_that_forbids_it(lab: Lab) -> None:
    assert deliver(lab, carrying("forged_from", facts.VICTIM)) == 554


def test_what_is_marked_is_sorted_or_dropped(lab: Lab, person: Callable[[str], LabUser]) -> None:
    for name in ("dropped", "sorted"):
        assert deliver(lab, carrying("eicar", person(name).address)) == 250
    (mail,) = lab.user("sorted").wait_for_mails()
    assert mail.folder == "Junk"
    assert lab.user("dropped").mails() == []


def test_a_port_of_the_mx_drops_what_rspamd_rejects(lab: Lab, lab_user: LabUser) -> None:
    assert deliver(lab, carrying("gtube", lab_user.address), 10028) == 250
    assert deliver(lab, carrying("", lab_user.address), 10028) == 250
    (mail,) = lab_user.wait_for_mails()
    assert b"GTUBE" not in mail.content


@pytest.mark.parametrize(("server", "payload"), [("clamd", "eicar"), ("rspamd", "gtube")])
def test_without_its_filter_the_mx_takes_mail_all_the_same(
    lab: Lab, lab_user: LabUser, server: str, payload: str
) -> None:
    lab.stop(server)
    assert deliver(lab, carrying(payload, lab_user.address)) == 250
    lab.start(server)
    assert deliver(lab, carrying(payload, lab_user.address)) == 554
