"""Writes exporter/web/api/openapi.json, which describes the API.

Run it in the project's directory: python -m docs.openapi
"""

import json
from typing import Any

from pydantic import TypeAdapter

from docs.configuration import ROOT
from exporter import __version__
from exporter.blocklists.names import SubjectKind
from exporter.blocklists.past import MOST_PERIODS
from exporter.core.availability.outage import MOST_REASONS
from exporter.core.json_output import KINDS
from exporter.core.model import Failure, ListState, Span
from exporter.core.phases import Leg
from exporter.web.api.blocklists import MOST_LISTED
from exporter.web.api.errors import ADMIN_API_IS_OFF
from exporter.web.api.paging import DEFAULT_LIMIT, LAST_OFFSET, MOST
from exporter.web.lookups_now import BURST, EVERY
from exporter.web.pages.probe_list import LONGEST_SEARCH, State

FILE = ROOT / "exporter/web/api/openapi.json"
COMMAND = "python -m docs.openapi"

Schema = dict[str, Any]

ID = {"type": "string", "pattern": "^[0-9a-f]{14}$"}
TEXT: Schema = {"type": "string"}
WORD: Schema = TEXT | {"minLength": 1}
NUMBER: Schema = {"type": "number"}
EITHER: Schema = {"enum": ["", "true", "false"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
YES_OR_NO: Schema = {"type": "boolean"}
RATIO: Schema = {"type": "number", "minimum": 0, "maximum": 1}


def about(schema: Schema, description: str) -> Schema:
    return schema | {"description": description}


def or_null(schema: Schema, description: str) -> Schema:
    return {"anyOf": [schema, {"type": "null"}], "description": description}


def listing(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def a(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def mapping(description: str, **properties: Schema) -> Schema:
    """A mapping that always has all these properties, and perhaps, in later versions, others."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
    }


def of_model(kind: Any, **more: Schema) -> Schema:
    """What is written of a class of the model."""
    schema = TypeAdapter(kind).json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(one) for one in part]
        if not isinstance(part, dict):
            return part
        if name := part.get("$ref", "").removeprefix("#/$defs/"):
            found: Schema = definitions[name]
            # The docstring of a class within another: not all versions of pydantic have it.
            left_out = {"title", "description"} if found.get("type") == "object" else {"title"}
            return {key: value for key, value in resolved(found).items() if key not in left_out}
        kept = {key: value for key, value in part.items() if key not in ("default",)}
        if isinstance(kept.get("title"), str):
            del kept["title"]
        return {key: resolved(value) for key, value in kept.items()}

    plain: Schema = resolved(schema)
    plain.pop("description", None)
    plain["properties"] = more | plain["properties"]
    plain["required"] = list(plain["properties"])
    return about(plain, " ".join((kind.__doc__ or "").split()))


KEY = mapping("A module pointed at a target.", module=TEXT, target=TEXT)
SUMMARY: dict[str, Schema] = {
    "trip": about(ID, "The ID of the trip, as in the log."),
    "probe": a("ProbeKey"),
    "success": or_null(YES_OR_NO, "Null while it is in progress."),
    "failure": or_null(a("Failure"), "Null if it succeeded, or is in progress."),
    "started_at": about(NUMBER, "Seconds since the epoch."),
    "duration": about(NUMBER, "Seconds, with our own waiting."),
    "delay": or_null(NUMBER, "Seconds from acceptance to arrival; null if unknown."),
    "round_trip": or_null(NUMBER, "Seconds from sending to arrival; null if unknown."),
    "recheck": about(YES_OR_NO, "Made before its interval was over, after a failure."),
    "planned": about(YES_OR_NO, "It ended in a maintenance window."),
    "trace_id": or_null(
        TEXT, "Its trace in OpenTelemetry: 32 hexadecimal digits; null if it was not sent as one."
    ),
}
WINDOW: dict[str, Schema] = {
    "name": TEXT,
    "probes": about(listing(TEXT), "Patterns: the names of probes, or the targets of pairs."),
    "start": about(NUMBER, "When it began, or begins next, in seconds since the epoch."),
    "end": about(NUMBER, "When it ends then, in seconds since the epoch."),
    "lasts": about(YES_OR_NO, "It lasts now."),
    "started": about(YES_OR_NO, "By the API, and not of the configuration."),
}
SCHEMAS: dict[str, Schema] = {
    "Error": mapping(
        "Why a request was refused.",
        error=about(TEXT, "One word, such as not_found."),
        message=about(TEXT, "One line for people."),
    ),
    "ProbeKey": KEY,
    "Failure": of_model(Failure),
    "TripSummary": mapping("A trip in a list.", **SUMMARY),
    "Trip": mapping(
        "A trip: what `mailtrip probe --json` prints. An old trip has only"
        " its verdict, without spans and transcript.",
        **SUMMARY,
        spans=listing(of_model(Span)),
        facts=listing(
            {"oneOf": [of_model(kind, fact={"const": name}) for kind, name in KINDS.items()]}
        ),
        transcript=about(listing(TEXT), "The conversations with the servers, without secrets."),
        complete=about(
            YES_OR_NO, "It has ended, and no facts will be added, such as what changed before it."
        ),
    ),
    "Probe": mapping(
        "A probe, and how it does.",
        name=or_null(TEXT, "Of an entry in `probes:`; null if only scrapes make its trips."),
        module=TEXT,
        target=TEXT,
        matrix=or_null(
            mapping("A cell of a matrix.", name=TEXT, **{"from": TEXT, "to": TEXT}),
            "Its place in a matrix of senders and recipients, by their names.",
        ),
        state={"enum": list(State), "description": "How its newest trip ended."},
        since=or_null(
            NUMBER,
            "Since when it has failed, or has worked again, in seconds since the epoch; null if it"
            " never failed, or if that is unknown.",
        ),
        failures=about(COUNT, "Trips in a row that have failed, those of its outage."),
        outage=or_null(ID, "The outage that lasts."),
        maintenance=or_null(TEXT, "The window of planned maintenance that lasts."),
        maintenance_ends_at=or_null(NUMBER, "When that ends, in seconds since the epoch."),
        newest=or_null(a("TripSummary"), "Of the finished trips, the one that started last."),
        in_progress=about(listing(ID), "The trips in progress, the newest last."),
        next_trip_at=or_null(
            NUMBER, "About when, in seconds since the epoch; null if a scrape decides it."
        ),
        interval=about(NUMBER, "Seconds."),
        interval_after_failure=about(NUMBER, "Seconds."),
        timeout=about(NUMBER, "Seconds."),
        availability=or_null(
            mapping(
                "The share of the last 24 hours, and of the last 30 days, without outages;"
                " planned ones are left out.",
                day=or_null(RATIO, "Null if the probe made no trip in this time."),
                month=or_null(RATIO, "Null if the probe made no trip in this time."),
            ),
            "Null if the state cannot be read now.",
        ),
    ),
    "Outage": mapping(
        "From the start of the first failed trip to the start of the next that succeeded.",
        outage=about(ID, "Its ID: that of one of its trips."),
        probe=a("ProbeKey"),
        start=about(NUMBER, "Seconds since the epoch."),
        end=or_null(NUMBER, "Seconds since the epoch; null while it lasts."),
        watched=about(
            YES_OR_NO, "Its probe still makes trips; if not, it is unknown whether it lasts."
        ),
        seconds=about(
            NUMBER,
            "How long it lasted, or has lasted until now; if not watched, until its last trip.",
        ),
        planned=about(YES_OR_NO, "All of its trips ended in maintenance windows."),
        planned_seconds=about(NUMBER, "The part of it in maintenance windows."),
        leg=or_null({"enum": list(Leg)}, "The leg to blame for the first failure, if it is known."),
        reasons=about(
            listing(TEXT) | {"maxItems": MOST_REASONS},
            "Phase and reason, in the order of the first trips that failed with them.",
        ),
        failures=about(COUNT, "Trips that failed."),
        first_trip=ID,
        last_trip=about(ID, "The last failed trip."),
        last_start=about(NUMBER, "When that started, in seconds since the epoch."),
    ),
    "Mailbox": mapping(
        "A mailbox, and whether it works.",
        name=TEXT,
        trouble=or_null(TEXT, "Why it cannot be opened; null if it can, or was not needed yet."),
        failing_since=or_null(NUMBER, "When all attempts began to fail; seconds since the epoch."),
        last_attempt_at=or_null(NUMBER, "Of an attempt that failed; seconds since the epoch."),
        next_attempt_at=or_null(NUMBER, "Sooner if a trip needs it; seconds since the epoch."),
        connected_since=or_null(
            NUMBER, "Null if it fails, or is not needed now; seconds since the epoch."
        ),
        waiting=about(COUNT, "Trips that wait for a message in it."),
        messages=or_null(COUNT, "Messages in it, if its protocol says that."),
        deleted=about(COUNT, "Messages that mailtrip has deleted since its start."),
        reconnects=COUNT,
    ),
    "Blocklist": mapping(
        "A blocklist, and what it lists.",
        name=TEXT,
        usable=YES_OR_NO,
        trouble=or_null(TEXT, "Why it is not usable."),
        unusable_since=or_null(
            NUMBER, "When a check of a probe found that first; seconds since the epoch."
        ),
        listed=about(listing(TEXT) | {"maxItems": MOST_LISTED}, "Addresses and domains."),
        listings=about(
            listing(a("ListingSince")) | {"maxItems": MOST_LISTED},
            "The same, with the time.",
        ),
        more_listed=about(COUNT, "Others that it lists."),
        alarming=about(YES_OR_NO, "Whether a listing is a failure."),
    ),
    "ListingSince": mapping(
        "An address or a domain on a blocklist.",
        subject=TEXT,
        since=or_null(
            NUMBER,
            "When a check of a probe found it listed first, since it last was not; seconds since"
            " the epoch.",
        ),
    ),
    "Lookup": mapping(
        "What blocklists say now about an address or a name, and what probes found out before.",
        what=about(TEXT, "The address or the name, in its canonical form."),
        state=about(
            {"enum": list(ListState)},
            "`listed` if any subject is; `clean` only if each has an answer, and none is hidden by"
            " a problem.",
        ),
        at=about(NUMBER, "Seconds since the epoch."),
        configured=about(YES_OR_NO, "By the lists of the configuration; else by the free ones."),
        problems=about(listing(TEXT), "What could not be looked up, for people."),
        notes=about(listing(TEXT), "Remarks that hide nothing, for people."),
        resolver=or_null(
            TEXT, "Why lists may refuse the resolver that was used, for people; null if it is fit."
        ),
        past_since=about(NUMBER, "The beginning of what `past` tells."),
        past_trouble=or_null(TEXT, "Why the state cannot be read now; then there is no `past`."),
        subjects=listing(
            mapping(
                "An address or a domain that belongs to it.",
                subject=TEXT,
                kind={"enum": list(SubjectKind)},
                origin=or_null(TEXT, "Where it comes from; null for `what` itself."),
                state=about({"enum": list(ListState)}, "The lists that only inform do not count."),
                probes=about(
                    listing(a("ProbeKey")),
                    "That check it: without one, nothing is known of the time before.",
                ),
                answers=listing(
                    mapping(
                        "The answer of a blocklist.",
                        blocklist=TEXT,
                        state={"enum": list(ListState)},
                        codes=about(listing(TEXT), "A records."),
                        meanings=listing(TEXT),
                        reason=or_null(TEXT, "The TXT record of a listing."),
                        trouble=or_null(TEXT, "Why it is unknown."),
                        alarming=about(YES_OR_NO, "Whether a listing is a failure."),
                        severity=TEXT,
                        delisting=or_null(TEXT, "The page that tells how to get off the list."),
                        past=or_null(a("PastOfList"), "Null if no probe asked it."),
                    )
                ),
            )
        ),
    ),
    "PastOfList": mapping(
        "What checks of the last week found out from a blocklist about a subject.",
        checks=COUNT,
        answered=about(COUNT, "In the others it was not usable, or gave no answer."),
        trouble=or_null(TEXT, "Why the newest check without an answer had none."),
        listed=about(
            listing(
                mapping(
                    "A period, in seconds since the epoch.",
                    after=or_null(NUMBER, "The last check before; null if none is known."),
                    first=about(NUMBER, "The first check that found it."),
                    last=about(NUMBER, "The last check that found it."),
                    until=or_null(NUMBER, "The next check, which did not; null if it lasts."),
                )
            )
            | {"maxItems": MOST_PERIODS},
            "The periods in which it was listed, the oldest first.",
        ),
    ),
    "Window": mapping("A window of planned maintenance.", **WINDOW),
    "StartedWindow": mapping(
        "A window of planned maintenance that was started.",
        **WINDOW,
        unmatched=about(listing(TEXT), "The patterns that match no probe now."),
    ),
    "Stopped": mapping("A window that was stopped.", name=TEXT),
    "TripNow": mapping(
        "The trip that a request for one gets.",
        trip=ID,
        started=about(YES_OR_NO, "False if it was in progress, or has just ended."),
        probe=a("ProbeKey"),
        link=about(TEXT, "Its address in the API."),
        page=about(TEXT, "The address of its page."),
    ),
}
PROBE_OF = (
    ("probe", "The name of a probe.", TEXT),
    ("module", "With `target`, instead of `probe`.", TEXT),
    ("target", "With `module`.", TEXT),
)
PAGE = (
    (
        "limit",
        "The number of items.",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    ),
    (
        "offset",
        "The number of items to leave out before them.",
        {"type": "integer", "minimum": 0, "maximum": LAST_OFFSET, "default": 0},
    ),
)


def response(description: str, schema: Schema, **headers: str) -> Schema:
    found: Schema = {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
    if headers:
        found["headers"] = {
            name: {"description": text, "schema": TEXT} for name, text in headers.items()
        }
    return found


def errors(*statuses: int) -> Schema:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


ERRORS = {
    400: "A parameter or a field is wrong.",
    401: "A login is required.",
    403: f"Not allowed, such as: {ADMIN_API_IS_OFF}.",
    404: "There is no record of it, or no such probe.",
    405: "Another method is required.",
    409: "It is in the configuration, or that is another one, or there are too many.",
    408: "The body did not come in time.",
    411: "The body has no length.",
    413: "The body is too long.",
    415: "The body is neither JSON nor a form.",
    429: "Too many requests, or too soon after the last trip.",
    503: "The state cannot be read now, or mailtrip is overloaded.",
}


def parameters(*wanted: tuple[str, str, Schema]) -> list[Schema]:
    return [
        {"name": name, "in": "query", "description": text, "schema": schema}
        for name, text, schema in wanted
    ]


def get_list(summary: str, item: str, *wanted: tuple[str, str, Schema]) -> Schema:
    page = mapping(
        "A part of the list.",
        items=listing(a(item)),
        next=or_null(TEXT, "The address of the next part; null if this is the last one."),
    )
    return {
        "summary": summary,
        "parameters": parameters(*wanted, *PAGE),
        "responses": {"200": response("A part of the list.", page)}
        | errors(400, 401, 403, 404, 429, 503),
    }


def get_one(summary: str, item: str) -> Schema:
    name = item.lower()
    return {
        "summary": summary,
        "parameters": [{"name": name, "in": "path", "required": True, "schema": ID}],
        "responses": {"200": response(f"The {name}.", a(item))} | errors(401, 404, 429, 503),
    }


def exactly(required: list[str], **properties: Schema) -> Schema:
    """A mapping of a request, which may have no other properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def body(in_json: Schema, in_form: Schema) -> Schema:
    return {
        "required": True,
        "content": {
            "application/json": {"schema": in_json},
            "application/x-www-form-urlencoded": {"schema": in_form},
        },
    }


def post_trip() -> Schema:
    same = about(TEXT, "Of `mailtrip probe`: a digest of its module, which must be ours, too.")
    named = exactly(["probe"], probe=WORD, configuration=same)
    pointed = exactly(["module", "target"], module=WORD, target=WORD, configuration=same)
    asked: Schema = {"anyOf": [named, pointed]}
    link = "The address of the trip."
    return {
        "summary": "Makes a trip now.",
        "description": "At most one in each gap of the sender, and in a second. While a trip of the"
        " probe is in progress, that one is the answer. Needs `--web.enable-admin-api`.",
        "requestBody": body(asked, asked),
        "responses": {
            "202": response("The trip has started.", a("TripNow"), Location=link),
            "200": response("The trip in progress, or the last one.", a("TripNow"), Location=link),
        }
        | errors(400, 401, 403, 404, 408, 409, 411, 413, 415, 429, 503),
    }


def post_window() -> Schema:
    def asked(probes: Schema) -> Schema:
        return exactly(
            ["name", "probes"],
            name=TEXT | {"pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"},
            probes=about(probes, "Patterns; in a form, with blanks between them."),
            start=about(TEXT, "RFC 3339, such as 2026-12-24T22:00:00+01:00; default: now."),
            end=about(TEXT, "RFC 3339; or a duration."),
            duration=about(TEXT, "Such as 2h; or an end."),
        )

    return {
        "summary": "Starts a window of planned maintenance, or changes one that was started.",
        "description": "It is kept over restarts. Needs `--web.enable-admin-api`.",
        "requestBody": body(asked(listing(WORD) | {"minItems": 1}), asked(WORD)),
        "responses": {"200": response("The window.", a("StartedWindow"))}
        | errors(400, 401, 403, 408, 409, 411, 413, 415, 429, 503),
    }


def post_lookup() -> Schema:
    asked = exactly(["what"], what=WORD)
    return {
        "summary": "Looks up an address, a domain or a host on blocklists.",
        "description": "An address is looked up itself, a name with its addresses and those of its"
        f" exchangers. {BURST} of them at once, and one more every {EVERY} seconds. Lists of the"
        " catalogue are not asked about what is not public. The answer is not kept."
        " Needs `--web.enable-admin-api`.",
        "requestBody": body(asked, asked),
        "responses": {"200": response("The answers.", a("Lookup"))}
        | errors(400, 401, 403, 408, 411, 413, 415, 429),
    }


def delete_window() -> Schema:
    return {
        "summary": "Stops a window that was started. Needs `--web.enable-admin-api`.",
        "parameters": [{"name": "window", "in": "path", "required": True, "schema": TEXT}],
        "responses": {"200": response("It has ended.", a("Stopped"))}
        | errors(401, 403, 404, 409, 411, 413, 429, 503),
    }


def described() -> Schema:
    """The whole file."""
    states = {"enum": ["", *State]}
    search: Schema = {"type": "string", "maxLength": LONGEST_SEARCH}
    paths: Schema = {
        "/probes": {
            "get": get_list(
                "The probes, in the order of the configuration.",
                "Probe",
                ("probe", "Only the probe of this name.", TEXT),
                (
                    "search",
                    "Only those with these words in name, module, target, mailbox, failure.",
                    search,
                ),
                ("state", "Only those in this state.", states),
            )
        },
        "/trips": {
            "get": get_list("The finished trips, the newest first.", "TripSummary", *PROBE_OF),
            "post": post_trip(),
        },
        "/trips/{trip}": {"get": get_one("One trip, in progress or finished.", "Trip")},
        "/outages": {
            "get": get_list(
                "The outages of the last 400 days, the newest first.",
                "Outage",
                *PROBE_OF,
                ("lasting", "Only those that last, or only those that have ended.", EITHER),
            )
        },
        "/outages/{outage}": {"get": get_one("One outage.", "Outage")},
        "/mailboxes": {
            "get": get_list("The mailboxes, in the order of the configuration.", "Mailbox")
        },
        "/maintenance": {
            "get": get_list(
                "The windows of planned maintenance that last or come, the soonest first.", "Window"
            ),
            "post": post_window(),
        },
        "/maintenance/{window}": {"delete": delete_window()},
        "/blocklists": {"get": get_list("The blocklists that probes query.", "Blocklist")},
        "/blocklists/lookups": {"post": post_lookup()},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mailtrip",
            "version": __version__,
            "description": "An e-mail round-trip exporter. Later versions may add fields,"
            " parameters and paths; those that exist do not change.",
        },
        "servers": [{"url": "."}],
        "security": [{}, {"basic": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "responses": {
                str(status): response(text, a("Error")) for status, text in ERRORS.items()
            },
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }


def text() -> str:
    return json.dumps(described(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
