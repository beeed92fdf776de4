"""What our own check of an arrived message says of its sender, beside what the receiver says of
it."""

from collections.abc import Sequence
from dataclasses import replace

from exporter.authentication import LONGEST, Authenticator
from exporter.core.facts import Authentication, Client, Disagreement, Hop, SenderCheck
from exporter.core.model import Fact, ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.trace.run import Run
from exporter.mail.headers.receiver import client_of, is_inside
from exporter.mail.message import headers
from exporter.mailboxes.watcher.expectation import Found

MAX_NAME = 253  # characters of what a client says of itself

_UNKNOWN = SenderCheck(
    "",
    "",
    "unknown",
    "the message was not read completely, or the server that delivered it from outside is unknown"
    " (`trusted_authserv_id`)",
    "",
)


def client_outside(
    found: Found, way: Sequence[Hop], trusted: Sequence[str] | None
) -> Client | None:
    """Who delivered the message from outside; None if that is unknown. `way` has the oldest hop
    first, `trusted` the names of the receiver."""
    client = found.sighting.client
    if client and not (client.address and is_inside(client.address)):
        return client
    outermost = headers(found.message, found.token.word)[0]
    return client_of(outermost, way, trusted) if trusted else None


async def authenticate(
    authenticator: Authenticator, found: Found, client: Client | None, run: Run
) -> ProbeError | None:
    """Adds the results to the facts of the trip. `client` delivered the message from outside.
    Returns why there are none: we ourselves were too late."""
    sighting = found.sighting
    if sighting.client:
        run.fact(_shown(sighting.client))
    patience = LONGEST if run.session_timeout is None else run.session_timeout
    try:
        own = await authenticator.authenticate(
            sighting.raw,
            client,
            whole=not sighting.cut,
            patience=patience,
            found=run.fact,
        )
    except ProbeError as error:
        run.note(f"-- the sender was not checked: {error.detail}")
        return error
    by_header = {fact.method: fact for fact in run.facts if isinstance(fact, Authentication)}
    run.facts.extend(own)
    for fact in own:
        other = by_header.get(fact.method)
        if other and other.result != fact.result:
            run.fact(Disagreement(fact.method, other.result, fact.result))
    return None


def _shown(client: Client) -> Client:
    """A client whose texts are fit to be shown."""
    return replace(
        client, helo=one_line(client.helo, MAX_NAME), sender=one_line(client.sender, MAX_NAME)
    )


def unauthenticated(required: Sequence[str], facts: Sequence[Fact]) -> ProbeError | None:
    """The failure if a required method did not pass, by our own check."""
    own = {fact.method: fact for fact in facts if isinstance(fact, SenderCheck)}
    for method in required:
        fact = own.get(method, _UNKNOWN)
        if fact.result != "pass":
            where = f"; see {fact.record} in DNS" if fact.record else ""
            detail = f"{method.upper()} {fact.result}: {fact.why}{where}"
            return ProbeError(Reason.UNAUTHENTICATED, detail, code=f"{method}={fact.result}")
    return None
