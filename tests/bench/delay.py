"""A part of `make bench`: the error of the reported delay."""

import threading
from base64 import b32decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from exporter.app import App
from exporter.core.facts import Arrival
from exporter.core.model import Outcome, ProbeKey
from exporter.mail.tokens import PREFIX, new_key
from exporter.state.store import Store
from tests.bench.trips import in_plain_text
from tests.lab.client import Lab, LabUser
from tests.support.tokens import tokens_in


async def errors_of_delay(lab: Lab) -> None:
    for name in ("probe", "slow2", "slow8"):
        await error_of_delay(lab, lab.user(name))


@dataclass(frozen=True, slots=True)
class Delay:
    reported: float
    true: float

    @property
    def error(self) -> float:
        return self.reported - self.true


async def error_of_delay(lab: Lab, user: LabUser, trips: int = 10) -> None:
    """Against the moment that Dovecot writes into the name of the Maildir file."""
    settings = in_plain_text(lab, user).settings
    delays: list[Delay] = []
    with arrivals(user) as seen:
        async with App(settings, Store.open(None), new_key()) as app:
            probe = app.probes.get_or_create(ProbeKey("trip", user.address))
            outcomes = [
                await app.prober.start(probe) for _ in range(trips if user.name == "probe" else 3)
            ]
    for outcome in outcomes:
        delays += delay_of(outcome, seen)
    worst = max(delays, key=lambda delay: abs(delay.error))
    typical = median(delay.true for delay in delays)
    limit = max(0.1, 0.05 * worst.true)
    print(
        f"delay of {typical:6.2f} s:  error {median(d.error for d in delays) * 1000:+6.1f} ms"
        f" typical, {worst.error * 1000:+6.1f} ms at worst of {len(delays)} (allowed:"
        f" {limit * 1000:.0f} ms)"
    )


def delay_of(outcome: Outcome, seen: dict[str, float]) -> Iterator[Delay]:
    for fact in outcome.facts:
        if isinstance(fact, Arrival) and fact.delay is not None and outcome.trip in seen:
            sent = max(span.start + span.duration for span in outcome.spans if span.phase == "send")
            yield Delay(fact.delay, seen[outcome.trip] - (outcome.started_at + sent))


@contextmanager
def arrivals(user: LabUser) -> Iterator[dict[str, float]]:
    """Fills in, by trip, when its message was written into the Maildir; the file is read before it
    is deleted."""
    seen: dict[str, float] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.002):
            for mail in user.mails():
                words = [word for word in tokens_in(mail.content) if word.startswith(PREFIX)]
                for word in words:
                    seen.setdefault(trip_of(word), written_at(mail.name))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def trip_of(word: str) -> str:
    return b32decode(word[len(PREFIX) :].upper())[8:15].hex()


def written_at(name: str) -> float:
    """Dovecot names a file SECONDS.M<microseconds>P<process>.host."""
    seconds, _, rest = name.partition(".M")
    return int(seconds) + int(rest.partition("P")[0]) / 1e6
