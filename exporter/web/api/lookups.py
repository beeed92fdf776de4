"""Look-ups on blocklists, as the API describes them."""

from typing import Any

from exporter.blocklists.lookup_output import described
from exporter.blocklists.past import Past
from exporter.web.api.fields import Fields, text_of
from exporter.web.api.frame import Reply
from exporter.web.lookups_now import LookupNow, LookupsNow


class LookupRequests:
    """Answers requests for a look-up of an address, a domain or a host (`what`)."""

    def __init__(self, lookups: LookupsNow) -> None:
        self._lookups = lookups

    async def post(self, fields: Fields) -> Reply:
        return Reply(_described(await self._lookups.run(text_of(fields, "what"))))


def _described(now: LookupNow) -> dict[str, Any]:
    found = described(now.lookup)
    for subject in found["subjects"]:
        text = subject["subject"]
        subject["probes"] = [
            {"module": probe.key.module, "target": probe.key.target}
            for probe in now.probes.get(text, ())
        ]
        for answer in subject["answers"]:
            past = now.past.get((text, answer["blocklist"]))
            answer["past"] = past and _past(past)
    return found | {
        "at": now.at,
        "configured": now.configured,
        "past_since": now.since,
        "past_trouble": now.trouble or None,
    }


def _past(past: Past) -> dict[str, Any]:
    return {
        "checks": past.checks,
        "answered": past.answered,
        "trouble": past.trouble or None,
        "listed": [
            {"after": one.after, "first": one.first, "last": one.last, "until": one.until}
            for one in past.periods
        ],
    }
