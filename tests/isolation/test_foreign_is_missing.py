"""An id of another tenant's is an id that never was: in status, headers and body, and in what it costs."""

import re

import pytest
from fastapi import FastAPI

from tests.isolation.walk import names, walking
from tests.isolation.world import Builder, Holding, told
from tests.site_map import Route
from tests.statements import statements_of

pytestmark = pytest.mark.integration

SAVEPOINT = re.compile(r"sa_savepoint_\d+")
# What open streams ask, once a second for all of them, whatever request is just then answered.
STREAMS = re.compile("living_credentials|progress_of|changed_summaries")


@pytest.mark.usefixtures("remembered")
async def test_the_answer_is_the_same_and_so_are_the_statements_behind_it(
    app: FastAPI, victim: Holding, mallory: Holding, routes: list[Route], subtests: pytest.Subtests
) -> None:
    """Timing is what the statements cost: tests/load/tenancy.py measures it."""
    async with walking(app, mallory) as walk:
        for route in routes:
            for foreign, missing in walk.aims(victim):
                if not names(route, foreign, missing):
                    continue
                found = []
                for target in (foreign, missing):
                    async with statements_of(app) as statements:
                        answer = told(await walk.call(route, target))
                    own = [SAVEPOINT.sub("", each) for each in statements if not STREAMS.search(each)]
                    found.append((answer, own))
                with subtests.test(route.name):
                    assert found[0] == found[1]
                    assert 400 <= found[0][0][0] < 500


async def test_another_tenants_cursor_is_no_cursor(
    victim: Holding, mallory: Holding, builder: Builder
) -> None:
    await builder.summary(victim.owner, "another")
    first = await builder.client.get("/api/v1/summaries?limit=1", headers=victim.owner.headers)
    cursor = first.json()["next_cursor"]
    answers = [
        await builder.client.get(f"/api/v1/summaries?cursor={value}", headers=mallory.owner.headers)
        for value in (cursor, "nonsense")
    ]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].status_code == 422


async def test_filters_by_foreign_ids_find_what_filters_by_unknown_ones_do(
    victim: Holding, mallory: Holding, builder: Builder
) -> None:
    log = f"/api/v1/organizations/{mallory.organization_id}/audit-log"
    for parameter in ("actor_id", "subject_id"):
        for path in (log, f"{log}/export"):
            wanted = {parameter: str(victim.owner.user_id)}
            answer = await builder.client.get(path, params=wanted, headers=mallory.owner.headers)
            assert answer.status_code == 200
            assert answer.text == "" if path.endswith("export") else answer.json()["items"] == []


async def test_what_another_tenant_does_changes_no_answer(
    app: FastAPI, victim: Holding, mallory: Holding, builder: Builder, routes: list[Route]
) -> None:
    """Lists, counts, usage, logs: read, grown elsewhere, read again."""
    # An export tells when it was made; a stream, after how long by chance its client may come back.
    reads = [r for r in routes if r.method == "GET" and not r.path.endswith(("/export", "/events"))]
    async with walking(app, mallory) as walk:
        before = [told(await walk.call(route, mallory)) for route in reads]
        await builder.holding("zoe")
        await builder.summary(victim.owner, "one_more")
        assert [told(await walk.call(route, mallory)) for route in reads] == before
