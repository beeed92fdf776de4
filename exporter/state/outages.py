"""The table of outages: those that last, and those of the last year."""

from collections.abc import Iterable
from contextlib import suppress
from json import dumps
from sqlite3 import Connection

from pydantic import TypeAdapter, ValidationError

from exporter.core.availability.outage import Outage, Unsettled
from exporter.core.model import ProbeKey
from exporter.state.rows import LARGEST, SENSIBLE

KEPT_FOR = 400 * 86400.0  # seconds: thirteen months, of which twelve are whole
MOST = 20_000  # of all probes together
# Days with trips, for each of which a probe keeps more of its outages than others if there are too
# many: strangers may make up targets, but not for long.
LONG_WATCHED = 30
_OUTAGE, _UNSETTLED = TypeAdapter(Outage), TypeAdapter(Unsettled)
_OF_STATE = {None: "", True: '"end" IS NULL AND', False: '"end" IS NOT NULL AND'}


def keep(connection: Connection, outage: Outage) -> None:
    """Saves an outage, or what has changed of it."""
    probe, text = outage.probe, _OUTAGE.dump_json(outage).decode()
    row = (outage.id, probe.module, probe.target, outage.start, outage.end, text)
    connection.execute("INSERT OR REPLACE INTO outages VALUES (?, ?, ?, ?, ?, ?)", row)


def lasting(connection: Connection) -> dict[ProbeKey, Outage]:
    """The newest outage of each probe that has not ended."""
    query = f"""SELECT outage FROM outages WHERE "end" IS NULL AND {SENSIBLE["outages"]}
        ORDER BY start"""  # noqa: S608
    return {one.probe: one for one in _readable(connection.execute(query))}


def keep_unsettled(connection: Connection, probe: ProbeKey, unsettled: Unsettled | None) -> None:
    """Saves what may still change, of the outages of a probe; None if nothing may."""
    key = (probe.module, probe.target)
    if unsettled is None:
        connection.execute("DELETE FROM unsettled WHERE module = ? AND target = ?", key)
        return
    text = _UNSETTLED.dump_json(unsettled).decode()
    connection.execute("INSERT OR REPLACE INTO unsettled VALUES (?, ?, ?)", (*key, text))


def unsettled(connection: Connection) -> dict[ProbeKey, Unsettled]:
    """What may still change, of the outages of each probe."""
    found = {one.probe: Unsettled(one) for one in lasting(connection).values()}
    query = f"SELECT module, target, results FROM unsettled WHERE {SENSIBLE['unsettled']}"  # noqa: S608
    for module, target, text in connection.execute(query):
        with suppress(ValidationError):  # of another version
            found[ProbeKey(module, target)] = _UNSETTLED.validate_json(text)
    return found


def newest(
    connection: Connection,
    probe: ProbeKey | None,
    limit: int,
    offset: int = 0,
    lasting: bool | None = None,
) -> list[Outage]:
    """The outages of one probe or of all, the newest first; only those that last, or those that do
    not, if that is asked for."""
    of_probe = "module = ? AND target = ? AND" if probe else ""
    which = (probe.module, probe.target) if probe else ()
    query = f"""SELECT outage FROM outages WHERE {of_probe} {_OF_STATE[lasting]} {SENSIBLE["outages"]}
        ORDER BY start DESC LIMIT ? OFFSET ?"""  # noqa: E501, S608
    return _readable(connection.execute(query, (*which, limit, offset)))


def between(
    connection: Connection, start: float, end: float, probes: Iterable[ProbeKey] | None = None
) -> list[Outage]:
    """The outages that touch this time, in seconds since the epoch, the oldest first: of these
    probes, or of all."""
    of_probes, which = "", tuple[str, ...]()
    if probes is not None:
        of_probes = """AND (module, target) IN (
            SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"""
        which = (dumps([(one.module, one.target) for one in probes]),)
    query = f"""SELECT outage FROM outages WHERE start < ? AND coalesce("end", ?) > ? {of_probes}
        AND {SENSIBLE["outages"]} ORDER BY start"""  # noqa: S608
    return _readable(connection.execute(query, (end, end, start, *which)))


def at(connection: Connection, probe: ProbeKey, moment: float) -> Outage | None:
    """The outage of a probe at that time, in seconds since the epoch."""
    query = f"""SELECT outage FROM outages WHERE module = ? AND target = ? AND start <= ?
        AND coalesce("end" > ?, 1) AND {SENSIBLE["outages"]} ORDER BY start DESC LIMIT 1"""  # noqa: S608
    rows = connection.execute(query, (probe.module, probe.target, moment, moment))
    return next(iter(_readable(rows)), None)


def find(connection: Connection, outage_id: str) -> Outage | None:
    query = f"SELECT outage FROM outages WHERE id = ? AND {SENSIBLE['outages']}"  # noqa: S608
    return next(iter(_readable(connection.execute(query, (outage_id,)))), None)


def last_ends(connection: Connection) -> dict[ProbeKey, float]:
    """When the newest outage that has ended did so, of each probe with outages; in seconds since
    the epoch."""
    query = f"""SELECT module, target, max("end") FROM outages
        WHERE "end" IS NOT NULL AND {SENSIBLE["outages"]} GROUP BY module, target"""  # noqa: S608
    rows = connection.execute(query)
    return {ProbeKey(module, target): end for module, target, end in rows}


def prune(connection: Connection, now: float, most: int = MOST) -> list[tuple[ProbeKey, float]]:
    """Drops outages that ended too long ago at `now`, in seconds since the epoch, and those that
    are too many. Returns the probe of each of the latter, and its end."""
    connection.execute('DELETE FROM outages WHERE coalesce("end", start) < ?', (now - KEPT_FOR,))
    (kept,) = connection.execute("SELECT count(*) FROM outages").fetchone()
    if kept <= most:
        return []
    surplus = f"""DELETE FROM outages WHERE id IN (SELECT id FROM (
            SELECT id, start, module, target, row_number() OVER
                (PARTITION BY module, target ORDER BY start DESC) AS place FROM outages) AS o
        ORDER BY 1.0 * place / (SELECT max(count(*), 1) FROM (SELECT 1 FROM days
            WHERE days.module = o.module AND days.target = o.target LIMIT {LONG_WATCHED})),
        start DESC LIMIT -1 OFFSET ?) RETURNING module, target,
        coalesce("end", iif(json_valid(outage), json_extract(outage, '$.last_start'), start), start)"""  # noqa: E501, S608
    rows = connection.execute(surplus, (most - most // 20,)).fetchall()
    return [
        (ProbeKey(module, target), end)
        for module, target, end in rows
        if isinstance(end, int | float) and abs(end) < LARGEST
    ]


def _readable(rows: Iterable[tuple[str]]) -> list[Outage]:
    """Without those of another version that we cannot read."""
    outages = []
    for (text,) in rows:
        try:
            outages.append(_OUTAGE.validate_json(text))
        except ValidationError:
            continue
    return outages
