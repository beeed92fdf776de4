"""The own receiver and other people's clients: swaks and Postfix."""

import asyncio
import smtplib
import subprocess
from pathlib import Path

import pytest

from tests.lab.client import Lab
from tests.support.smtp_receiver import Certificates, arrival, receiver
from tests.support.wanting import those


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.mark.usefixtures("servers")
async def test_swaks_delivers_over_starttls_and_believes_the_certificate(
    certificates: Certificates, tmp_path: Path
) -> None:
    authority = tmp_path / "ca.crt"
    certificates.authority.cert_pem.write_to_path(authority)
    async with receiver(tls=certificates.options) as session:
        command = [
            "swaks",
            "--server",
            "127.0.0.1",
            "--port",
            str(session.receiver.port),
            "--tls",
            "--tls-verify",
            "--tls-ca-path",
            str(authority),
            "--ehlo",
            "test.lab.test",
            "--from",
            "a@lab.test",
            "--to",
            "monitor@mon.test",
            "--header",
            "Subject: by swaks",
        ]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert b"Subject: by swaks" in await arrival(session)


@pytest.mark.usefixtures("servers")
async def test_swaks_reports_what_was_refused() -> None:
    async with receiver(wanted=those(lambda raw: False)) as session:
        command = [
            "swaks",
            "--server",
            "127.0.0.1",
            "--port",
            str(session.receiver.port),
            "--to",
            "monitor@mon.test",
        ]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        assert "<** 550 5.7.1 This address accepts only messages of this mailtrip" in done.stdout


async def test_postfix_delivers_with_and_without_tls(lab: Lab, certificates: Certificates) -> None:
    def send() -> None:
        with smtplib.SMTP(lab.relay_ip, 25, local_hostname="test.lab.test") as client:
            client.sendmail("a@mon.test", ["monitor@mon.test"], b"Subject: by postfix\r\n\r\n.\r\n")

    for tls in (None, certificates.options):
        async with receiver(listen=f"{lab.mon_ip}:2525", tls=tls) as session:
            await asyncio.to_thread(send)
            raw = await arrival(session)
            assert b"Subject: by postfix" in raw
            assert raw.endswith(b"\r\n\r\n.\r\n")
