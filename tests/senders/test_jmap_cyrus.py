"""Sending over JMAP through a real Cyrus."""

from collections.abc import Iterator

import pytest

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.mail.composition import ProbeMessage
from exporter.net.dns.resolver import Resolver
from exporter.net.mta_sts.policies import StsPolicies
from exporter.net.oauth2 import Accounts
from exporter.senders import SendOptions
from exporter.senders.kind import Means, Sender
from tests.support.identity_provider import CLIENT, SECRET, serving
from tests.support.jmap_cyrus import CyrusUser, JmapCyrus, Relay, relaying
from tests.support.sender_rig import make_sender
from tests.support.sending import MESSAGES, SENDER, new_run, probe_message, send, steps
from tests.support.smtp_witness import Received

RECIPIENT = "someone@example.test"
GOOD = {name: raw for name, raw in MESSAGES.items() if name != "a dot at the start of all"}
"""Cyrus refuses a message without the fields that must be there."""


@pytest.fixture
def user(jmap_cyrus: JmapCyrus) -> CyrusUser:
    one = jmap_cyrus.user()
    one.deliver(b"From: <a@lab.test>\r\nSubject: the first\r\n\r\nHello.\r\n")
    return one


@pytest.fixture
def relay(jmap_cyrus: JmapCyrus) -> Iterator[Relay]:
    with relaying(jmap_cyrus) as one:
        yield one


def sender(user: CyrusUser, **options: object) -> Sender:
    return make_sender("jmap", user.cyrus.options(user.name, **options), Resolver())


@pytest.mark.parametrize("name", GOOD)
async def test_a_message_arrives_byte_for_byte_and_nothing_is_left_of_it(
    user: CyrusUser, relay: Relay, name: str
) -> None:
    before, run = user.emails(), new_run()
    message = ProbeMessage(SENDER, RECIPIENT, GOOD[name])
    assert await send(sender(user), message, run) is None
    assert relay.received == [Received(SENDER, (RECIPIENT,), GOOD[name])]
    assert user.emails() == before
    assert run.answer.startswith("submission S")
    assert steps(run) == [*(Step.RESOLVE, Step.CONNECT, Step.TLS, Step.AUTH, Step.MAIL, Step.DATA)]


@pytest.mark.parametrize(
    ("recipient", "reason"),
    [("unknown@example.test", Reason.REJECTED), ("later@example.test", Reason.DEFERRED)],
)
async def test_a_refusal_leaves_nothing_either(
    user: CyrusUser, relay: Relay, recipient: str, reason: Reason
) -> None:
    before = user.emails()
    failure = await send(sender(user), probe_message(recipient), new_run())
    assert failure
    assert (failure.step, failure.reason) == (Step.DATA, reason)
    assert relay.received == []
    assert user.emails() == before


async def test_a_wrong_password_is_refused(user: CyrusUser, relay: Relay) -> None:
    failure = await send(sender(user, password="wrong"), probe_message(), new_run())
    assert failure
    assert (failure.step, failure.reason, failure.code) == (Step.AUTH, Reason.AUTH, "401")


async def test_without_its_mail_server_it_is_unavailable(user: CyrusUser) -> None:
    """A process that has met the mail server does not know that it is gone."""
    failure = await send(sender(user), probe_message(), new_run())
    assert failure
    assert failure.step in (Step.AUTH, Step.DATA)
    assert failure.reason is Reason.UNAVAILABLE
    assert ("submission" in failure.detail) == (failure.step is Step.AUTH)


async def test_a_token_of_an_identity_provider_is_taken_and_a_revoked_one_renewed(
    user: CyrusUser, relay: Relay, jmap_cyrus: JmapCyrus
) -> None:
    """Cyrus reads no other claims."""
    async with serving(jmap_cyrus.tls(), user=user.name, claims=("sub", "iat")) as provider:
        given = {"token_url": provider.url, "client_id": CLIENT, "client_secret": SECRET}
        oauth2 = {**given, "ca_file": str(jmap_cyrus.ca)}
        options = jmap_cyrus.options(user.name, oauth2=oauth2)
        del options["password"]
        how = SendOptions.model_validate({"jmap": options}).how
        accounts, resolver = Accounts(Clock()), Resolver()
        means = Means(resolver, accounts, StsPolicies(resolver, Clock()))
        run = new_run()
        assert await send(how.sender("", means), probe_message(RECIPIENT), run) is None
        assert steps(run)[0] is Step.TOKEN
        assert len(relay.received) == 1
        provider.user = "nobody"
        await accounts.close()
        failure = await send(
            how.sender("", Means(resolver, Accounts(Clock()), means.policies)),
            probe_message(RECIPIENT),
            run := new_run(),
        )
        assert failure
        assert failure.step is Step.AUTH
        assert not any(token in "\n".join(run.transcript) for token in provider.issued)
