"""Trips with tokens on real servers: Dovecot asks the identity provider about each, for IMAP, POP3
and Postfix."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from exporter.app import App
from exporter.core.model import Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab import facts
from tests.lab.client import Lab, LabUser
from tests.lab.configure import dovecot_version
from tests.support.identity_provider import CLIENT, SECRET, IdentityProvider, serving
from tests.support.left_behind import until
from tests.support.pauses import at_once

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  imap: {{imap: {{host: imap.lab.test, {login}}}}}
  pop3: {{pop3: {{host: imap.lab.test, poll_interval: 1ms, {login}}}}}
modules:
  imap: &module
    timeout: 60s
    session_timeout: 8s
    roundtrip: &trip
      from: probe@lab.test
      send: {{smtp: {{host: relay.lab.test, port: 587, {login}}}}}
      mailbox: imap
  pop3: {{<<: *module, roundtrip: {{<<: *trip, mailbox: pop3}}}}
probes:
  - {{name: imap, module: imap, target: {user}@lab.test}}
  - {{name: pop3, module: pop3, target: {user}@lab.test}}
"""

# Dovecot 2.4 does not tell why a token of somebody else is refused.
REFUSALS = {
    "2.3": ["status invalid", "status 4"],
    "2.4": ["refuses the login: [AUTHENTICATIONFAILED]", "refuses the login: [AUTH]"],
}


@asynccontextmanager
async def identity_provider(
    lab: Lab, user: LabUser, **levers: Any
) -> AsyncIterator[IdentityProvider]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(lab.directory / "etc/tls/idp.crt", lab.directory / "etc/tls/idp.key")
    async with serving(tls, facts.IDP_IP, 8443, user=user.name, **levers) as identity:
        yield identity


def settings(
    lab: Lab, user: LabUser, identity: IdentityProvider, auth: str = "", secret: str = SECRET
) -> Settings:
    oauth2 = (
        f"{{token_url: '{identity.url}', client_id: {CLIENT}, client_secret: {secret}, ca_file:"
        f" {lab.ca}}}"
    )
    login = f"ca_file: {lab.ca}, username: {user.name}, oauth2: {oauth2}" + (
        f", auth: {auth}" if auth else ""
    )
    return Settings.parse(
        CONFIGURATION.format(dns=lab.dns, login=login, user=user.name).encode(), "oauth2.yml"
    )


async def trip(app: App, user: LabUser, module: str = "imap") -> Outcome:
    return await app.prober.start(app.probes.get_or_create(ProbeKey(module, user.address)))


@asynccontextmanager
async def running(how: Settings) -> AsyncIterator[App]:
    async with App(how, Store.open(None), new_key()) as app:
        yield app


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("module", ["imap", "pop3"])
async def test_a_trip_with_tokens(lab: Lab, lab_user: LabUser, module: str, auth: str) -> None:
    async with (
        identity_provider(lab, lab_user) as identity,
        running(settings(lab, lab_user, identity, auth)) as app,
    ):
        outcome = await trip(app, lab_user, module)
        assert outcome.success, outcome.failure
        assert len(identity.asked) == 1
        assert identity.introspected >= 2
        said = "\n".join(outcome.transcript)
        assert f"AUTH {auth.upper()} <secret>" in said
        assert identity.issued[0] not in said
        series = at_once(app.metrics.everything()).decode()
        assert (
            f'mailtrip_oauth2_token_expiry_timestamp_seconds{{account="{lab_user.name}"}}' in series
        )
        assert (
            f'mailtrip_oauth2_refresh_failures_total{{account="{lab_user.name}",reason="auth"}} 0.0'
            in series
        )
        assert not [
            told
            for told in (series, app.settings.shown())
            if identity.issued[0] in told or SECRET in told
        ]


@pytest.mark.parametrize("module", ["imap", "pop3"])
async def test_a_revoked_token_is_replaced_once(lab: Lab, lab_user: LabUser, module: str) -> None:
    async with (
        identity_provider(lab, lab_user) as identity,
        running(settings(lab, lab_user, identity)) as app,
    ):
        (login,) = set(app.settings.logins)
        await app.accounts.of(*login).token()
        identity.revoked.update(identity.issued)
        outcome = await trip(app, lab_user, module)
        assert outcome.success, outcome.failure
        assert len(identity.asked) == 2
        assert "-- token refused; requesting a new one" in "\n".join(outcome.transcript)


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("module", ["imap", "pop3"])
async def test_tokens_that_are_never_good_fail_with_the_words_of_the_server(
    lab: Lab, lab_user: LabUser, module: str, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        identity_provider(lab, lab_user) as identity,
        running(settings(lab, lab_user, identity, auth)) as app,
    ):
        identity.user = "somebody-else"
        outcome = await trip(app, lab_user, module)
        assert outcome.failure
        assert (outcome.failure.phase, outcome.failure.reason) == (Phase.SEND, Reason.AUTH)
        assert len(identity.asked) <= 3
        told = "\n".join([*outcome.transcript, str(outcome), caplog.text])
        assert any(words in told for words in REFUSALS[dovecot_version()])
        assert not [value for value in identity.issued if value in told]


async def test_a_token_may_end_in_the_middle_of_a_trip(lab: Lab, lab_user: LabUser) -> None:
    """Every look into the mailbox is a login, and the message comes when the token that it was sent
    with has ended."""
    await asyncio.to_thread(lab.pause_delivery)
    async with identity_provider(lab, lab_user, lifetime=4) as identity:
        async with running(settings(lab, lab_user, identity)) as app:
            flight = asyncio.ensure_future(trip(app, lab_user, "pop3"))
            await until(lambda: len(identity.issued) >= 3)
            await asyncio.to_thread(lab.resume_delivery)
            outcome = await flight
        assert outcome.success, outcome.failure


async def test_an_outage_of_the_provider_does_not_stop_a_good_token(
    lab: Lab, lab_user: LabUser
) -> None:
    async with (
        identity_provider(lab, lab_user) as identity,
        running(settings(lab, lab_user, identity)) as app,
    ):
        assert (await trip(app, lab_user)).success
        identity.down = True
        outcome = await trip(app, lab_user)
        assert outcome.success, outcome.failure


async def test_without_a_token_a_trip_says_why(lab: Lab, lab_user: LabUser) -> None:
    async with identity_provider(lab, lab_user) as identity:
        async with running(settings(lab, lab_user, identity, secret="hush-hush")) as app:
            failure = (await trip(app, lab_user)).failure
            assert failure
            assert (failure.step, failure.reason, failure.code) == (
                Step.TOKEN,
                Reason.AUTH,
                "invalid_client",
            )
            assert "AADSTS7000215" in failure.detail
            assert "hush-hush" not in failure.detail
        gone = settings(lab, lab_user, identity)
    async with running(gone) as app:
        failure = (await trip(app, lab_user)).failure
        assert failure
        assert (failure.step, failure.reason) == (Step.TOKEN, Reason.CONNECT)


async def test_a_hundred_trips_at_once_make_one_request(lab: Lab, lab_user: LabUser) -> None:
    async with (
        identity_provider(lab, lab_user) as identity,
        running(settings(lab, lab_user, identity)) as app,
    ):
        outcomes = await asyncio.gather(*(trip(app, lab_user) for _ in range(100)))
        assert [outcome.failure for outcome in outcomes if not outcome.success] == []
        assert len(identity.asked) == 1


async def test_scram_proves_both_sides(lab: Lab, lab_user: LabUser) -> None:
    how = (
        f"ca_file: {lab.ca}, username: {lab_user.name}, password: {lab.password}, auth:"
        " scram-sha-256"
    )
    text = CONFIGURATION.format(dns=lab.dns, login=how, user=lab_user.name)
    async with running(Settings.parse(text.encode(), "scram.yml")) as app:
        for module in ("imap", "pop3"):
            outcome = await trip(app, lab_user, module)
            assert outcome.success, outcome.failure
            assert lab.password not in "\n".join(outcome.transcript)


def test_the_address_of_the_identity_provider_is_free() -> None:
    with socket.socket() as probe:
        probe.bind((facts.IDP_IP, 0))
