"""Regenerate and refresh: whose it is to ask, what is kept, and that a failure loses nothing."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text
from typing_extensions import override

from app.core.db import Tenant
from app.core.principal import Scope
from app.reading.courtesy import Validators
from app.reading.errors import ReadingError, Reason
from app.summaries.tasks import MAX_TRIES, summarise
from app.summaries.versions.store import KEPT
from tests.factories import Factory, Person
from tests.summaries.anew import RAIN, SNOW, URL, PageReader, made, post, read, work
from tests.summaries.shelf import PATH, create, job_ids, row_of, set_columns
from tests.summaries.workbench import ScriptedFetcher, ScriptedReader, bench_of, key_of

pytestmark = pytest.mark.integration
ACTIONS = ("regenerate", "refresh")


@pytest.mark.parametrize("action", ACTIONS)
async def test_nobody_else_has_it_made_anew(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person, app: FastAPI, action: str
) -> None:
    shared = await made(client, app, alice, url=URL, visibility="organization")
    own = await made(client, app, alice, url=URL)
    asked: tuple[tuple[dict[str, Any], dict[str, str]], ...] = (
        (own, {}),
        (own, bob.headers),
        (shared, bob.headers),
        (shared, charlie.headers),
    )
    urls = [(f"{PATH}/{summary['id']}/{action}", headers) for summary, headers in asked]
    answers = [(await client.post(url, headers=headers)).status_code for url, headers in urls]
    assert answers == [401, 404, 403, 404]


@pytest.mark.parametrize("action", ACTIONS)
async def test_reader_lacks_the_scope(
    client: AsyncClient, alice: Person, app: FastAPI, factory: Factory, action: str
) -> None:
    created = await made(client, app, alice, url=URL)
    reader = await factory.with_scopes(alice, Scope.SUMMARIES_READ)
    assert (await post(client, reader, created["id"], action)).json()["code"] == "insufficient_scope"


@pytest.mark.parametrize("action", ACTIONS)
async def test_unfinished_or_stale_is_refused_and_costs_nothing(
    client: AsyncClient, alice: Person, app: FastAPI, action: str
) -> None:
    created = await create(client, alice, url=URL)
    assert (await post(client, alice, created["id"], action)).json()["code"] == "summary_unfinished"
    await work(app, alice, created["id"])
    stale = await post(client, alice, created["id"], action, headers={"If-Match": '"1"'})
    assert stale.json()["code"] == "precondition_failed"
    assert len(await job_ids(app.state.database)) == 1


@pytest.mark.parametrize(
    "body", [{"length": "huge"}, {"style": None}, {"language": "Klingon!"}, {"engine": "magic"}, {"url": URL}]
)
async def test_bad_choice_is_422(
    client: AsyncClient, alice: Person, app: FastAPI, body: dict[str, Any]
) -> None:
    created = await made(client, app, alice)
    assert (await post(client, alice, created["id"], "regenerate", json=body)).status_code == 422


@pytest.mark.parametrize("source", [{}, {"html": "<p>Rain", "url": URL}])
async def test_what_was_sent_in_cannot_be_refreshed(
    client: AsyncClient, alice: Person, app: FastAPI, source: dict[str, str]
) -> None:
    created = await made(client, app, alice, **source)
    answer = await post(client, alice, created["id"], "refresh")
    assert (answer.status_code, answer.json()["code"]) == (409, "summary_not_refreshable")


async def test_text_that_was_never_read_cannot_be_summarised_anew(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    await work(app, alice, created["id"], ScriptedReader(ReadingError(Reason.TOO_SHORT)))
    answer = await post(client, alice, created["id"], "regenerate")
    assert (answer.status_code, answer.json()["code"]) == (409, "summary_has_no_text")


async def test_spent_quota_refuses_and_changes_nothing(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await made(client, app, alice, url=URL)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(text("UPDATE usage_months SET summaries = 1000"))
    for action in ACTIONS:
        answer = await post(client, alice, created["id"], action)
        assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
    assert await read(client, alice, created["id"]) == created


async def test_regenerated_from_the_stored_text_with_other_options(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await made(client, app, alice, url=URL, length="long")
    answer = await post(client, alice, created["id"], "regenerate", json={"style": "headline"})
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["Location"].endswith(f"{PATH}/{created['id']}")
    fetcher, reader = ScriptedFetcher(), PageReader(text=SNOW)
    await summarise(bench_of(app, fetcher=fetcher, reader=reader), key_of(alice, created["id"]), tries=0)
    now = await read(client, alice, created["id"], "?include=text")
    assert (fetcher.fetched, reader.documents) == ([], [])
    assert (now["text"], now["style"], now["title"]) == (RAIN, "headline", "Weather")
    assert reader.articles[0].language == "en"
    row = await row_of(app.state.database, alice.organization_id, created["id"])
    assert (row.options["length"], row.pending, row.refreshed_at) == ("long", None, None)


async def test_while_it_is_made_anew_it_says_what_it_said(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await made(client, app, alice)
    await post(client, alice, created["id"], "regenerate", json={"style": "bullets"})
    now = await read(client, alice, created["id"])
    assert (now["status"], now["summary"], now["style"]) == ("queued", "Rain fell.", "paragraph")
    assert (await post(client, alice, created["id"], "regenerate")).json()["code"] == "summary_unfinished"


async def test_refreshed_page_that_changed_is_a_new_version_under_its_new_title(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await made(client, app, alice, url=URL)
    await post(client, alice, created["id"], "refresh")
    await work(app, alice, created["id"], PageReader(text=SNOW, title="Winter"))
    now = await read(client, alice, created["id"])
    assert (now["summary"], now["title"], now["status"]) == ("Snow fell.", "Winter", "ready")
    assert now["refreshed_at"] > created["created_at"]
    assert (await read(client, alice, created["id"], "/versions"))["items"][0]["title"] == "Weather"


@pytest.mark.parametrize("when", ["at first", "later"])
async def test_users_own_title_stays(client: AsyncClient, alice: Person, app: FastAPI, when: str) -> None:
    created = await made(client, app, alice, url=URL, **({"title": "Mine"} if when == "at first" else {}))
    if when == "later":
        await client.patch(f"{PATH}/{created['id']}", json={"title": "Mine"}, headers=alice.headers)
    await post(client, alice, created["id"], "refresh")
    await work(app, alice, created["id"], PageReader(text=SNOW, title="Winter"))
    assert (await read(client, alice, created["id"]))["title"] == "Mine"


async def test_page_with_the_same_words_is_noted_and_no_new_version(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await made(client, app, alice, url=URL)
    edited = {"summary": "My own words."}
    await client.patch(f"{PATH}/{created['id']}", json=edited, headers=alice.headers)
    await post(client, alice, created["id"], "refresh")
    reader = PageReader(text=RAIN.replace(" ", "\n"), title="Rain")
    await work(app, alice, created["id"], reader)
    now = await read(client, alice, created["id"])
    assert (now["status"], now["summary"], now["title"]) == ("ready", "My own words.", "Rain")
    assert (now["refreshed_at"] is not None, reader.articles) == (True, [])
    assert (await read(client, alice, created["id"], "/versions"))["items"] == []


async def test_page_that_its_origin_calls_unchanged_is_not_read_again(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    fetcher = ScriptedFetcher(validators=Validators('"1"'))
    await work(app, alice, created["id"], fetcher=fetcher)
    await post(client, alice, created["id"], "refresh")
    reader = PageReader(text=SNOW)
    await work(app, alice, created["id"], reader, fetcher=fetcher)
    now = await read(client, alice, created["id"])
    assert (now["status"], now["summary"], reader.documents) == ("ready", "Rain fell.", [])
    assert now["refreshed_at"] is not None
    assert (await read(client, alice, created["id"], "/versions"))["items"] == []


@pytest.mark.parametrize("action", ACTIONS)
async def test_failure_restores_what_was_and_says_so(
    client: AsyncClient, alice: Person, app: FastAPI, action: str
) -> None:
    created = await made(client, app, alice, url=URL)
    await post(
        client,
        alice,
        created["id"],
        action,
        **({"json": {"style": "bullets"}} if action == "regenerate" else {}),
    )
    key = key_of(alice, created["id"])
    await summarise(bench_of(app), key, tries=MAX_TRIES)
    now = await read(client, alice, created["id"], "?include=text")
    assert (now["status"], now["failure"]["reason"]) == ("ready", "internal")
    kept = ("summary", "sentences", "title", "style", "engine", "canonical_url")
    assert {name: now[name] for name in kept} == {name: created[name] for name in kept}
    assert now["text"] == RAIN
    assert (await read(client, alice, created["id"], "/versions"))["items"] == []


async def test_success_forgets_the_failure(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await made(client, app, alice, url=URL)
    for reader in (ScriptedReader(ReadingError(Reason.TIMEOUT)), PageReader(text=SNOW)):
        await post(client, alice, created["id"], "refresh")
        await work(app, alice, created["id"], reader)
    now = await read(client, alice, created["id"])
    assert (now["failure"], now["summary"]) == (None, "Snow fell.")


async def test_failed_one_can_be_refreshed_and_fails_or_not(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    failing = ScriptedReader(ReadingError(Reason.TIMEOUT))
    await work(app, alice, created["id"], failing)
    for reader, status in ((failing, "failed"), (PageReader(), "ready")):
        await post(client, alice, created["id"], "refresh")
        await work(app, alice, created["id"], reader)
        assert (await read(client, alice, created["id"]))["status"] == status


async def test_cancelled_one_is_as_it_was(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await made(client, app, alice)
    await post(client, alice, created["id"], "regenerate")
    assert (await post(client, alice, created["id"], "cancel")).status_code == 200
    now = await read(client, alice, created["id"])
    assert (now["status"], now["summary"], now["failure"]["reason"]) == ("ready", "Rain fell.", "cancelled")


async def test_worker_that_died_half_way_is_followed_by_one_that_finishes(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await made(client, app, alice, url=URL)
    await post(client, alice, created["id"], "refresh")
    dying = ScriptedReader(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await work(app, alice, created["id"], dying)
    await work(app, alice, created["id"], PageReader(text=SNOW))
    versions = (await read(client, alice, created["id"], "/versions"))["items"]
    assert [version["number"] for version in versions] == [1]


async def test_overtaken_attempt_keeps_no_version(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await made(client, app, alice, url=URL)
    await post(client, alice, created["id"], "refresh")

    class Slow(PageReader):
        @override
        async def summarise_article(self, *args: Any, **options: Any) -> Any:  # Any: as in PageReader
            await work(app, alice, created["id"], PageReader(text=SNOW))
            return await super().summarise_article(*args, **options)

    await work(app, alice, created["id"], Slow(text="Hail fell. Nothing rose."))
    assert (await read(client, alice, created["id"]))["summary"] == "Snow fell."
    assert len((await read(client, alice, created["id"], "/versions"))["items"]) == 1


async def test_finished_within_the_wait_is_201(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await made(client, app, alice)
    headers = {"Prefer": "wait=10"}
    posting = asyncio.create_task(post(client, alice, created["id"], "regenerate", headers=headers))
    async with asyncio.timeout(10):
        status = "ready"
        while status == "ready":
            await asyncio.sleep(0.05)
            status = (await read(client, alice, created["id"]))["status"]
    await work(app, alice, created["id"])
    answer = await posting
    assert (answer.status_code, answer.json()["status"]) == (201, "ready")
    assert answer.headers["Preference-Applied"] == "wait=10"


async def test_repeated_with_its_key_it_is_done_once(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await made(client, app, alice)
    headers = {"Idempotency-Key": "once"}
    answers = [await post(client, alice, created["id"], "regenerate", headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"


async def test_the_oldest_of_more_than_fifty_goes(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await made(client, app, alice)
    for _ in range(KEPT + 2):
        pending = {"kind": "regenerate", "options": created.get("options", {})}
        await set_columns(app, alice, created["id"], status="queued", pending=pending)
        await work(app, alice, created["id"])
    items = (await read(client, alice, created["id"], "/versions?limit=100"))["items"]
    assert [item["number"] for item in items] == list(range(KEPT + 2, 2, -1))
