"""Client certificates at real servers: Postfix, Dovecot and Cyrus."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.core.model import Failure, ProbeError, TlsSession
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.pop3.mailbox import Pop3Mailbox
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.net.dns.resolver import Resolver
from tests.lab.client import Lab, LabUser
from tests.support.chains import CertifiedKey, issue, presented
from tests.support.cyrus import Cyrus
from tests.support.external_dovecot import ExternalDovecot, running_dovecot
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send, steps

Place = tuple[Step | None, Reason, str]


def place(failure: Failure | None) -> Place | None:
    return (failure.step, failure.reason, failure.code) if failure else None


def ours(run: Run) -> str:
    """What is said of our certificate."""
    (fact,) = (fact for fact in run.facts if isinstance(fact, TlsSession))
    return fact.client_certificate


class TestPostfix:
    """`permit_tls_clientcerts`: it knows the fingerprint of one certificate."""

    async def deliver(self, lab: Lab, user: LabUser, **options: Any) -> tuple[Run, Failure | None]:
        server = {"host": lab.relay_ip, "port": 2526, "ca_file": lab.ca, "tls": "starttls"}
        run = new_run()
        sender = make_sender("smtp", server | options, Resolver())
        return run, await send(sender, probe_message(user.address), run)

    async def test_a_known_certificate_may_relay_without_a_login(
        self, lab: Lab, lab_user: LabUser
    ) -> None:
        tls = lab.directory / "etc/tls"
        known = {"cert_file": str(tls / "idp.crt"), "key_file": str(tls / "idp.key")}
        run, failure = await self.deliver(lab, lab_user, client_certificate=known)
        assert failure is None
        assert Step.AUTH not in steps(run)
        assert ours(run).startswith("CN=idp.lab.test, valid until 20")
        (table,) = (lab.directory / "etc/postfix-relay/clientcerts").read_text().splitlines()
        assert any(table.split()[0] in line for line in run.transcript)
        await asyncio.to_thread(lab_user.wait_for_mails)

    async def test_an_unknown_certificate_is_refused_in_its_own_words(
        self, lab: Lab, lab_user: LabUser, tmp_path: Path
    ) -> None:
        stranger = presented(issue("stranger"), tmp_path)
        _, failure = await self.deliver(lab, lab_user, client_certificate=stranger)
        assert place(failure) == (Step.RCPT, Reason.REJECTED, "554")

    async def test_a_server_that_does_not_ask_is_named(
        self, lab: Lab, lab_user: LabUser, tmp_path: Path
    ) -> None:
        stranger = presented(issue("stranger"), tmp_path)
        run, _ = await self.deliver(lab, lab_user, client_certificate=stranger, port=25)
        assert ours(run) == "not asked for by the server"


class TestCyrus:
    """An LMTP server that takes a certificate for a login. With TLS 1.3 it refuses one after the
    handshake, as our first command is on its way."""

    async def deliver(
        self, cyrus: Cyrus, directory: Path, who: CertifiedKey | None, port: int, **options: Any
    ) -> tuple[Run, Failure | None]:
        server = {"host": cyrus.host, "port": port, "tls": "starttls", "ca_file": cyrus.ca}
        server |= {"server_name": cyrus.name, **options}
        if who:
            server["client_certificate"] = presented(who, directory)
        run = new_run()
        sender = make_sender("lmtp", server, Resolver())
        return run, await send(sender, probe_message("probe@lab.test"), run)

    async def test_the_certificate_is_the_login(self, cyrus: Cyrus, tmp_path: Path) -> None:
        run, failure = await self.deliver(cyrus, tmp_path, cyrus.client(), cyrus.strict_port)
        assert failure is None
        assert Step.AUTH in steps(run)
        assert any(line.endswith("C: AUTH EXTERNAL =") for line in run.transcript)
        assert len(cyrus.mails()) == 1

    @pytest.mark.parametrize(
        ("which", "words"),
        [
            ("expired", "it refuses our client certificate, CN=agent, valid until 20"),
            ("of another CA", "it refuses our client certificate, CN=agent, valid until 20"),
            ("none", "it requires a client certificate"),
        ],
    )
    async def test_a_refused_certificate_is_a_failure_of_tls(
        self, cyrus: Cyrus, tmp_path: Path, which: str, words: str
    ) -> None:
        who = {"expired": cyrus.client(days=-1), "of another CA": issue("agent"), "none": None}
        run, failure = await self.deliver(cyrus, tmp_path, who[which], cyrus.strict_port)
        assert place(failure) == (Step.TLS, Reason.TLS, "")
        assert words in str(failure)
        assert any("TLSv1.3" in line for line in run.transcript)

    async def test_a_certificate_that_may_not_log_in_is_named(
        self, cyrus: Cyrus, tmp_path: Path
    ) -> None:
        who = cyrus.client("somebody")
        _, failure = await self.deliver(cyrus, tmp_path, who, cyrus.port)
        assert place(failure) == (Step.AUTH, Reason.AUTH, "501")
        assert "(client certificate: CN=somebody, valid until " in str(failure)

    async def test_no_login_is_tried_if_the_configuration_says_so(
        self, cyrus: Cyrus, tmp_path: Path
    ) -> None:
        run, failure = await self.deliver(cyrus, tmp_path, cyrus.client(), cyrus.port, auth="none")
        assert failure is None  # Cyrus trusts a verified certificate without AUTH
        assert Step.AUTH not in steps(run)


@pytest.fixture(scope="module")
def dovecot(servers: None) -> Iterator[ExternalDovecot]:
    with running_dovecot() as one:
        yield one


async def everything(raw: bytes) -> bool:
    return True


class TestDovecot:
    """The name of the user is in the certificate (`auth_ssl_username_from_cert`)."""

    async def open(
        self, kind: str, dovecot: ExternalDovecot, **options: Any
    ) -> tuple[Run, Failure | None]:
        server: dict[str, Any] = {"host": dovecot.host, "ca_file": dovecot.ca}
        server["server_name"] = dovecot.name
        made: ImapMailbox | Pop3Mailbox
        if kind == "imap":
            server |= {"port": dovecot.imap, "tls": "starttls", **options}
            made = ImapMailbox(ImapOptions.model_validate(server), Resolver())
        else:
            server |= {"port": dovecot.pop3s, "tls": "implicit", **options}
            made = Pop3Mailbox(Pop3Options.model_validate(server), Resolver())
        run = Run(Clock(), session_timeout=20)
        try:
            async with run.phase(Phase.OPEN):
                session = await made.open(run, everything)
        except ProbeError as error:
            return run, run.failure(error)
        await session.close()
        return run, None

    @pytest.mark.parametrize("kind", ["imap", "pop3"])
    async def test_the_certificate_is_the_login(
        self, dovecot: ExternalDovecot, tmp_path: Path, kind: str
    ) -> None:
        certificate = presented(dovecot.client(), tmp_path)
        run, failure = await self.open(kind, dovecot, client_certificate=certificate)
        assert failure is None
        assert ours(run).startswith("CN=probe, valid until ")

    @pytest.mark.parametrize("kind", ["imap", "pop3"])
    async def test_one_that_has_expired_is_named(
        self, dovecot: ExternalDovecot, tmp_path: Path, kind: str
    ) -> None:
        certificate = presented(dovecot.client(days=-1), tmp_path)
        _, failure = await self.open(kind, dovecot, client_certificate=certificate)
        assert failure
        assert (failure.step, failure.reason) == (Step.LOGIN, Reason.AUTH)
        assert "(client certificate: CN=probe, valid until " in str(failure)

    async def test_one_of_another_user_is_refused(
        self, dovecot: ExternalDovecot, tmp_path: Path
    ) -> None:
        options = {"client_certificate": presented(dovecot.client(), tmp_path)}
        _, failure = await self.open("imap", dovecot, username="other", **options)
        assert place(failure) == (Step.LOGIN, Reason.AUTH, "AUTHENTICATIONFAILED")

    async def test_a_new_certificate_is_used_without_a_reload(
        self, dovecot: ExternalDovecot, tmp_path: Path
    ) -> None:
        options = {"client_certificate": presented(dovecot.client(days=-1), tmp_path)}
        assert (await self.open("imap", dovecot, **options))[1]
        presented(dovecot.client(), tmp_path)
        assert (await self.open("imap", dovecot, **options))[1] is None
        (tmp_path / "client.key").unlink()
        _, failure = await self.open("imap", dovecot, **options)
        assert place(failure) == (Step.TLS, Reason.TLS, "")
        assert f"cannot read key_file {tmp_path}/client.key: No such file" in str(failure)

    async def test_a_server_that_takes_only_passwords_is_named(
        self, lab: Lab, lab_user: LabUser, tmp_path: Path
    ) -> None:
        certificate = presented(issue(lab_user.name), tmp_path)
        options = ImapOptions.model_validate(
            {"host": lab.imap_ip, "ca_file": lab.ca, "client_certificate": certificate}
        )
        run = Run(Clock(), session_timeout=20)
        with pytest.raises(ProbeError, match="does not offer EXTERNAL, the login by a client"):
            async with run.phase(Phase.OPEN):
                await ImapMailbox(options, Resolver()).open(run, everything)
