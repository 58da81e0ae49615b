"""on_duplicate: what counts as equal, what is done then, and that nobody learns what others have."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text
from typing_extensions import override

from app.core.db import Tenant
from app.core.principal import MembershipRole
from app.reading.article import ExtractResult, RawDocument
from app.reading.courtesy import Validators
from app.reading.errors import ReadingError, Reason
from app.summaries.duplicates import fingerprint_of, submitted_key
from app.summaries.vocabulary import Source
from tests.catalogue import ask
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls
from tests.summaries.anew import SNOW, URL, PageReader, made, read, work
from tests.summaries.search.explained import explain_everything, plans_of
from tests.summaries.shelf import PATH, TEXT, create, job_ids, row_of, set_columns
from tests.summaries.workbench import ScriptedFetcher, ScriptedReader

pytestmark = pytest.mark.integration
MONTH = "/api/v1/organizations/{}/usage"


async def submit(
    client: AsyncClient, person: Person, on_duplicate: str = "return", **body: Any
) -> Response:  # Any: JSON
    source = body if body.keys() & {"url", "html", "text"} else {**body, "url": URL}
    return await client.post(PATH, json={**source, "on_duplicate": on_duplicate}, headers=person.headers)


async def spent(client: AsyncClient, person: Person) -> int:
    usage = await client.get(MONTH.format(person.organization_id), headers=person.headers)
    count: int = usage.json()["summaries"]["used"]
    return count


async def test_equal_one_is_returned_and_costs_nothing(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    first = await made(client, app, alice, url=URL)
    before = await spent(client, alice), await job_ids(app.state.database)
    answer = await submit(client, alice)
    assert (answer.status_code, answer.json()) == (200, first)
    assert answer.headers["Location"].endswith(f"{PATH}/{first['id']}")
    assert (await spent(client, alice), await job_ids(app.state.database)) == before


async def test_without_asking_another_is_made(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    first = await made(client, app, alice, url=URL)
    answer = await client.post(PATH, json={"url": URL}, headers=alice.headers)
    assert (answer.status_code, answer.json()["id"] == first["id"]) == (202, False)


async def test_unfinished_one_counts_and_failed_and_trashed_ones_do_not(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    first = await create(client, alice, url=URL)
    assert (await submit(client, alice)).json()["id"] == first["id"]
    await work(app, alice, first["id"], ScriptedReader(ReadingError(Reason.EMPTY_EXTRACTION)))
    second = await submit(client, alice)
    assert second.status_code == 202
    await client.delete(f"{PATH}/{second.json()['id']}", headers=alice.headers)
    assert (await submit(client, alice)).status_code == 202


@pytest.mark.parametrize("visibility", ["private", "organization"])
async def test_nobody_learns_what_others_have_read(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person, app: FastAPI, visibility: str
) -> None:
    first = await made(client, app, alice, url=URL, visibility=visibility)
    for person in (bob, charlie):
        answer = await submit(client, person)
        assert (answer.status_code, answer.json()["id"] == first["id"]) == (202, False)


async def test_what_i_have_elsewhere_is_not_here(
    client: AsyncClient, bob: Person, app: FastAPI, factory: Factory
) -> None:
    await made(client, app, bob, url=URL)
    places = (await client.get("/api/v1/organizations", headers=bob.headers)).json()["items"]
    home = next(UUID(place["id"]) for place in places if place["id"] != str(bob.organization_id))
    at_home = await factory.elsewhere(bob, home, role=MembershipRole.OWNER)
    assert (await submit(client, at_home)).status_code == 202


# Five thousand more of hers, each of another page.
MANY = """
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages, canonical_url, submitted_key)
SELECT gen_random_uuid(), organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages, canonical_url || n,
    sha256(n::text::bytea)
FROM summaries, generate_series(1, 5000) n WHERE id = :first
"""
OTHERS: list[dict[str, Any]] = [  # Any: JSON
    {"length": "short"},
    {"style": "bullets"},
    {"language": "de"},
    {"engine": "provider"},
    {"url": "https://example.com/snow"},
    {"url": "http://example.com/rain"},
    {"url": "https://example.com/rain?page=2"},
    {"text": TEXT},
    {"html": "<p>Rain", "url": URL},
]
SPELLINGS = [
    "HTTPS://EXAMPLE.com:443/rain#top",
    "https://example.com/rain?utm_source=x&fbclid=1",
    "https://example.com/a/../%72ain",
]


async def test_other_source_or_options_are_another_summary(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await made(client, app, alice, url=URL)
    for other in OTHERS:
        assert (await submit(client, alice, **other)).status_code == 202, other


async def test_other_spelling_is_the_same_page(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    first = await made(client, app, alice, url=URL)
    for spelling in SPELLINGS:
        assert (await submit(client, alice, url=spelling)).json()["id"] == first["id"], spelling


async def test_page_is_known_by_its_own_address_and_by_the_one_it_was_sent_under(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=f"{URL}?from=list")
    await work(app, alice, created["id"], PageReader(canonical_url=URL))
    assert (await read(client, alice, created["id"]))["canonical_url"] == URL
    for url in (URL, f"{URL}?from=list"):
        assert (await submit(client, alice, url=url)).json()["id"] == created["id"]


async def test_changed_address_ends_the_likeness_until_it_is_read(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    first = await made(client, app, alice, url=URL)
    other = {"url": "https://example.com/snow"}
    await client.patch(f"{PATH}/{first['id']}", json=other, headers=alice.headers)
    assert {(await submit(client, alice, url=url)).status_code for url in (URL, other["url"])} == {202}


async def test_address_changed_while_its_page_is_read_stays_changed(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    other = "https://example.com/snow"

    class Meanwhile(PageReader):
        @override
        async def extract_document(self, document: RawDocument) -> ExtractResult:
            await client.patch(f"{PATH}/{created['id']}", json={"url": other}, headers=alice.headers)
            return await super().extract_document(document)

    fetcher = ScriptedFetcher(validators=Validators('"1"', "Sat, 21 Nov 2026 10:00:00 GMT"))
    await work(app, alice, created["id"], Meanwhile(canonical_url=f"{URL}/own"), fetcher=fetcher)
    row = await row_of(app.state.database, alice.organization_id, created["id"])
    assert (row.status, row.url, row.canonical_url) == ("ready", other, other)
    assert (row.submitted_key, row.http_etag, row.http_last_modified) == (None, None, None)


PAIRS: list[tuple[dict[str, str], dict[str, str], bool]] = [
    ({"text": "Rain  fell.\n"}, {"text": " Rain fell."}, True),
    ({"text": "Caf\u00e9 closed."}, {"text": "Cafe\u0301 closed."}, True),
    ({"text": "Hail fell."}, {"text": "hail fell."}, False),
    ({"text": "<p>Rain"}, {"html": "<p>Rain"}, False),
    ({"html": "<p>Snow", "url": URL}, {"html": "<p>Snow", "url": f"{URL}?utm_source=x"}, True),
    ({"html": "<p>Fog", "url": URL}, {"html": "<p>Fog"}, False),
]


async def test_texts_are_equal_by_their_words(client: AsyncClient, alice: Person) -> None:
    for first, second, equal in PAIRS:
        created = (await submit(client, alice, **first)).json()
        answer = await submit(client, alice, **second)
        assert (answer.json()["id"] == created["id"], answer.status_code) == (equal, 200 if equal else 202)


async def test_callback_is_no_part_of_the_likeness(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    first = await made(client, app, alice, url=URL, callback="https://hooks.example.com/a")
    assert (await submit(client, alice, callback="https://hooks.example.com/b")).json()["id"] == first["id"]


async def test_refreshed_one_is_queued_again_and_keeps_what_it_said(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    first = await made(client, app, alice, url=URL)
    answer = await submit(client, alice, "refresh")
    assert (answer.status_code, answer.json()["id"]) == (202, first["id"])
    assert answer.headers["Retry-After"]
    await work(app, alice, first["id"], PageReader(text=SNOW))
    assert (await read(client, alice, first["id"]))["summary"] == "Snow fell."
    versions = (await read(client, alice, first["id"], "/versions"))["items"]
    assert [version["number"] for version in versions] == [1]


async def test_text_is_refreshed_by_summarising_it_anew(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    first = await made(client, app, alice)
    answer = await submit(client, alice, "refresh", text=TEXT)
    row = await row_of(app.state.database, alice.organization_id, first["id"])
    assert (answer.json()["id"], row.pending) == (first["id"], {"kind": "regenerate", "options": row.options})


async def test_unfinished_one_is_not_begun_again(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    first = await create(client, alice, url=URL)
    before = await spent(client, alice), await job_ids(app.state.database)
    answer = await submit(client, alice, "refresh")
    assert (answer.status_code, answer.json()["id"]) == (202, first["id"])
    assert (await spent(client, alice), await job_ids(app.state.database)) == before


@pytest.mark.parametrize("on_duplicate", ["return", "refresh"])
async def test_simultaneous_submissions_make_one(
    client: AsyncClient, alice: Person, app: FastAPI, on_duplicate: str
) -> None:
    answers = await asyncio.gather(*(submit(client, alice, on_duplicate) for _ in range(8)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await job_ids(app.state.database)) == 1
    assert await spent(client, alice) == 1
    if on_duplicate == "return":
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]


async def test_one_being_made_otherwise_counts_as_what_it_will_be(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    first = await made(client, app, alice, url=URL)
    url = f"{PATH}/{first['id']}/regenerate"
    assert (await client.post(url, json={"style": "bullets"}, headers=alice.headers)).status_code == 202
    assert (await submit(client, alice)).json()["id"] != first["id"]
    assert (await submit(client, alice, style="bullets")).json()["id"] == first["id"]


async def test_row_of_before_is_equal_to_nothing(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    first = await made(client, app, alice, url=URL)
    await set_columns(app, alice, first["id"], submitted_key=None)
    assert (await submit(client, alice)).status_code == 202


@pytest.mark.slow
async def test_an_index_finds_the_equal_one(
    client: AsyncClient, alice: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    first = await made(client, app, alice, url=URL)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(text(MANY), {"first": first["id"]})
    await ask(database_urls.superuser, "ANALYZE summaries")
    await explain_everything(database_urls.superuser)
    await app.state.database.dispose()
    with plans_of(app) as plans:
        assert (await submit(client, alice)).json()["id"] == first["id"]
        assert (await submit(client, alice, url=f"{URL}/none")).status_code == 202
    explained = "\n".join(plan for plan in plans if "submitted_key" in plan)
    assert "Seq Scan on summaries" not in explained
    assert "ix_summaries_submitted_key" in explained


@pytest.mark.unit
def test_fingerprint_is_of_words_whatever_is_between_them() -> None:
    assert fingerprint_of("a\u00a0b\n\nc") == fingerprint_of(" a b c ")
    assert fingerprint_of("a\ud800") != fingerprint_of("a")


@pytest.mark.unit
def test_key_tells_files_by_their_bytes() -> None:
    keys = {submitted_key(Source.FILE, canonical_url=None, content=content) for content in (b"a", b"b", None)}
    assert len(keys) == 3
