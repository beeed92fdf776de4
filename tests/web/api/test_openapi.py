"""The description of the API, held against its answers."""

import asyncio
import json
import re
import shlex
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from docs import openapi
from docs.configuration import ROOT
from exporter.core.facts import Hop
from exporter.core.model import Exchanger, Listing, ListState, QueriedList, Reply
from tests.support.happened_trips import KEY, WHY, happened, trip
from tests.support.http_site import site
from tests.support.visits import VISITS
from tests.web.test_pages import FAILED

EXAMPLES = 15  # of each operation, valid and invalid
FACTS = (
    Reply(250, "2.0.0 Ok"),
    Exchanger("mx.example.org", 10, "192.0.2.1"),
    *VISITS,
    Hop(1, "mx", "helo", "192.0.2.1", "ESMTP", None, 4.0, None),
    QueriedList("bl.example.org", True, durations=(0.1,)),
    Listing("bl.example.org", "192.0.2.1", ListState.LISTED, ("127.0.0.2",)),
)


def strict(schema: Any) -> Any:
    """The schema, which also refuses fields that it does not describe."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(one) for name, one in schema.items()}
    if found.get("type") == "object" and "properties" in found:
        found["additionalProperties"] = False
    return found


def test_the_description_is_made_from_the_model() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text(), (
        f"{openapi.FILE.name} is stale: run {openapi.COMMAND}"
    )


def operations(address: str) -> list[Any]:
    import schemathesis  # half a second, which only this test needs

    described = deepcopy(strict(openapi.described()))
    # A trip and an outage that exist, so that one answer in two describes one.
    for path, name in (("/trips/{trip}", trip(2).trip), ("/outages/{outage}", trip(2).trip)):
        described["paths"][path]["get"]["parameters"][0]["schema"] |= {
            "enum": [name, FAILED.trip, "f" * 14]
        }
    schema: Any = schemathesis.openapi.from_dict(described)
    schema.config.update(base_url=f"{address}/api/v1")
    rejection = schema.config.checks.negative_data_rejection
    # Of an empty form it sends no length, which is refused with 411.
    rejection.expected_statuses = [*rejection.expected_statuses, "411"]
    return [found.ok() for found in schema.get_all_operations()]


def hold_against(operation: Any, mode: str) -> None:
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode[mode]))
    def check(case: Any) -> None:
        # A probe of that name may well be missing.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    check()


@pytest.mark.slow
async def test_every_answer_is_as_described() -> None:
    """Also to what is wrong: that is refused, and as described."""
    async with site(admin=True) as here:
        await happened(here, trip(1), trip(2, WHY), trip(3))
        await happened(here, replace(FAILED, started_at=trip(4).started_at))
        await happened(here, replace(trip(5), facts=(*trip(5).facts, *FACTS)))
        here.probes.get_or_create(KEY).name = "gmail"
        address = f"http://{here.host}:{here.port}"
        for operation in operations(address):
            await asyncio.to_thread(hold_against, operation, "POSITIVE")
            if operation.query or operation.body:
                await asyncio.to_thread(hold_against, operation, "NEGATIVE")


async def test_the_examples_in_the_documentation_work(servers: None) -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    examples = re.findall("^curl .+$", page, re.MULTILINE)
    assert len(examples) > 5
    async with site(admin=True) as here:
        await happened(here, trip(1, WHY))
        here.probes.get_or_create(KEY).name = "gmail"
        for example in examples:
            command = example.replace("mailtrip.example.org:10925", f"{here.host}:{here.port}")
            curl = await asyncio.create_subprocess_exec(
                *shlex.split(command), "-sf", stdout=asyncio.subprocess.PIPE
            )
            printed, _ = await curl.communicate()
            assert curl.returncode == 0, example
            assert json.loads(printed), example


async def test_the_description_is_served_and_names_every_path() -> None:
    async with site() as here:
        status, text = await here.get("/api/v1/openapi.json")
        assert status == 200
        described = json.loads(text)
        assert described["openapi"].startswith("3.1")
        routes = {
            route.resource.canonical.removeprefix("/api/v1")
            for route in here.server._runner.app.router.routes()
            if route.resource and route.resource.canonical.startswith("/api/v1/")
        }
        assert routes - {"/openapi.json"} == set(described["paths"])
