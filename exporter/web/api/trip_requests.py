"""Requests for a trip now."""

from http import HTTPStatus

from exporter.core.model import ProbeKey
from exporter.probing.probes import ProbeTable
from exporter.web.api.errors import API, ApiError
from exporter.web.api.fields import Fields, text_of
from exporter.web.api.frame import Reply
from exporter.web.trips_now import TripsNow


class TripRequests:
    """Answers requests for a trip of a probe, by its name (probe) or by module and target. `prefix`
    is that of all paths."""

    def __init__(self, probes: ProbeTable, prefix: str) -> None:
        self._probes = probes
        self._trips = TripsNow(probes)
        self._prefix = prefix

    async def post(self, fields: Fields) -> Reply:
        """Names the trip: a new one, the one in progress, or the one that has just ended."""
        key = self._key(fields)
        self._expect_same(key.module, text_of(fields, "configuration"))
        made = await self._trips.start(key)
        link = f"{self._prefix}{API}/trips/{made.trip}"
        content = {
            "trip": made.trip,
            "started": made.started,
            "probe": {"module": key.module, "target": key.target},
            "link": link,
            "page": f"{self._prefix}/trips/{made.trip}",
        }
        status = HTTPStatus.ACCEPTED if made.started else HTTPStatus.OK
        return Reply(content, status, {"Location": link})

    def _expect_same(self, module: str, digest: str) -> None:
        """Refuses if the client has another configuration of this module than we run."""
        if digest and digest != self._probes.settings.digest_of(module):
            text = f"mailtrip runs with another configuration of module {module}: reload it"
            raise ApiError(HTTPStatus.CONFLICT, text, "other_configuration")

    def _key(self, fields: Fields) -> ProbeKey:
        name, module, target = (text_of(fields, one) for one in ("probe", "module", "target"))
        if name and not module and not target:
            return self._probes.by_name(name)
        if module and not name and (target or self._probes.needs_no_target(module)):
            return self._probes.key(module, target)
        raise ApiError(HTTPStatus.BAD_REQUEST, "name a probe, or a module and a target")
