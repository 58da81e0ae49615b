"""Reading what a summary said before: who may, its text, its difference, its tag."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.core.principal import Scope
from tests.factories import Factory, Person
from tests.statements import statements_of
from tests.summaries.anew import RAIN, SNOW, URL, PageReader, made, post, read, work
from tests.summaries.shelf import PATH

pytestmark = pytest.mark.integration
HAIL = "Hail fell. The river waited."
READS = ("versions", "versions/1", "versions/1/diff")


@pytest.fixture
async def thrice(client: AsyncClient, app: FastAPI, alice: Person) -> str:
    """Rain, then rain as bullets, then snow: two versions."""
    created = await made(client, app, alice, url=URL, visibility="organization")
    summary_id: str = created["id"]
    await post(client, alice, summary_id, "regenerate", json={"style": "bullets"})
    await work(app, alice, summary_id)
    await post(client, alice, summary_id, "refresh")
    await work(app, alice, summary_id, PageReader(text=SNOW, title="Winter"))
    return summary_id


async def test_who_may_not_read_it_may_not_read_what_it_said(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person, thrice: str, factory: Factory
) -> None:
    writer = await factory.with_scopes(alice, Scope.SUMMARIES_WRITE)
    people: tuple[dict[str, str], ...] = ({}, charlie.headers, writer.headers, bob.headers)
    for path in READS:
        answers = [await client.get(f"{PATH}/{thrice}/{path}", headers=who) for who in people]
        assert [answer.status_code for answer in answers] == [401, 404, 403, 200], path


async def test_what_is_private_again_or_thrown_away_takes_its_versions_along(
    client: AsyncClient, alice: Person, bob: Person, thrice: str
) -> None:
    await client.patch(f"{PATH}/{thrice}", json={"visibility": "private"}, headers=alice.headers)
    for path in READS:
        answer = await client.get(f"{PATH}/{thrice}/{path}", headers=bob.headers)
        assert answer.json()["code"] == "summary_not_found", path
    await client.delete(f"{PATH}/{thrice}", headers=alice.headers)
    for path in READS:
        assert (await client.get(f"{PATH}/{thrice}/{path}", headers=alice.headers)).status_code == 404, path


async def test_number_that_is_none_is_404(client: AsyncClient, alice: Person, thrice: str) -> None:
    for number in ("3", "0", "-1", "x", "1.0", "\u0661", "9" * 12, "current", "%00"):
        for path in (f"versions/{number}", f"versions/{number}/diff"):
            answer = await client.get(f"{PATH}/{thrice}/{path}", headers=alice.headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "version_not_found"), path


async def test_there_may_be_nothing_to_compare_with(client: AsyncClient, alice: Person, thrice: str) -> None:
    for against, status in (("x", 422), ("0", 422), ("1e3", 422), ("", 422), ("7", 404)):
        url = f"{PATH}/{thrice}/versions/1/diff?against={against}"
        assert (await client.get(url, headers=alice.headers)).status_code == status, against


async def test_list_is_the_latest_first_by_pages(client: AsyncClient, alice: Person, thrice: str) -> None:
    first = await client.get(f"{PATH}/{thrice}/versions?limit=1", headers=alice.headers)
    page = first.json()
    assert [(item["number"], item["style"]) for item in page["items"]] == [(2, "bullets")]
    assert (page["has_more"], 'rel="next"' in first.headers["Link"]) == (True, True)
    rest = await read(client, alice, thrice, f"/versions?limit=1&cursor={page['next_cursor']}")
    assert [(item["number"], item["style"]) for item in rest["items"]] == [(1, "paragraph")]
    assert (rest["has_more"], "summary" in rest["items"][0]) == (False, False)


async def test_cursor_of_one_summary_opens_no_other(
    client: AsyncClient, alice: Person, app: FastAPI, thrice: str
) -> None:
    cursor = (await read(client, alice, thrice, "/versions?limit=1"))["next_cursor"]
    other = await made(client, app, alice)
    url = f"{PATH}/{other['id']}/versions?cursor={cursor}"
    assert (await client.get(url, headers=alice.headers)).json()["code"] == "invalid_cursor"


async def test_sentences_of_every_version_stand_in_its_text(
    client: AsyncClient, alice: Person, thrice: str
) -> None:
    for number in (1, 2):
        version = await read(client, alice, thrice, f"/versions/{number}?include=text")
        assert version["text"] == RAIN
        for sentence in version["sentences"]:
            assert version["text"][sentence["start"] : sentence["end"]] == sentence["text"]
    now = await read(client, alice, thrice, "?include=text")
    assert (now["text"], now["summary"], now["style"]) == (SNOW, "Snow fell.", "bullets")


async def test_version_whose_text_is_still_todays(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await made(client, app, alice)
    await post(client, alice, created["id"], "regenerate")
    await work(app, alice, created["id"])
    assert (await read(client, alice, created["id"], "/versions/1?include=text"))["text"] == RAIN


async def test_version_never_changes_and_its_tag_says_so(
    client: AsyncClient, alice: Person, thrice: str
) -> None:
    url = f"{PATH}/{thrice}/versions/1"
    tags = [
        (await client.get(f"{url}{query}", headers=alice.headers)).headers["ETag"]
        for query in ("", "?include=text")
    ]
    assert tags == ['"1"', '"1-text"']
    headers = {**alice.headers, "If-None-Match": '"1"'}
    again = await client.get(url, headers=headers)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", '"1"')


async def test_difference_with_now_and_between_two(client: AsyncClient, alice: Person, thrice: str) -> None:
    found = await read(client, alice, thrice, "/versions/1/diff")
    lines = found["diff"].splitlines()
    assert lines == ["--- 1", "+++ current", "@@ -1 +1 @@", "-Rain fell.", "+Snow fell."]
    assert (found["against"], found["truncated"]) == (None, False)
    between = await read(client, alice, thrice, "/versions/1/diff?against=2")
    assert between == {"number": 1, "against": 2, "diff": "", "truncated": False}


async def test_difference_with_now_is_another_once_that_changes(
    client: AsyncClient, alice: Person, thrice: str
) -> None:
    url = f"{PATH}/{thrice}/versions/1/diff"
    headers = {
        **alice.headers,
        "If-None-Match": (await client.get(url, headers=alice.headers)).headers["ETag"],
    }
    assert (await client.get(url, headers=headers)).status_code == 304
    await client.patch(f"{PATH}/{thrice}", json={"summary": "My own."}, headers=alice.headers)
    assert (await client.get(url, headers=headers)).status_code == 200


async def test_users_own_words_are_kept_before_they_are_replaced(
    client: AsyncClient, alice: Person, app: FastAPI, thrice: str
) -> None:
    await client.patch(f"{PATH}/{thrice}", json={"summary": "My own."}, headers=alice.headers)
    await post(client, alice, thrice, "refresh")
    await work(app, alice, thrice, PageReader(text=HAIL))
    kept = await read(client, alice, thrice, "/versions/3?include=text")
    assert (kept["summary"], kept["sentences"], kept["text"]) == ("My own.", [], SNOW)


@pytest.mark.usefixtures("thrice")
async def test_kept_texts_count_as_storage_and_go_with_the_summary(alice: Person, app: FastAPI) -> None:
    async def stored() -> int:
        async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
            return int(await session.scalar(text("SELECT text_bytes FROM usage_storage")) or 0)

    assert await stored() == len(RAIN) + len(SNOW)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(text("DELETE FROM summaries"))
        assert await session.scalar(text("SELECT count(*) FROM summary_versions")) == 0
    assert await stored() == 0


@pytest.mark.usefixtures("remembered")
async def test_list_costs_two_reads(client: AsyncClient, alice: Person, app: FastAPI, thrice: str) -> None:
    await client.get(f"{PATH}/{thrice}/versions", headers=alice.headers)
    async with statements_of(app) as statements:
        await client.get(f"{PATH}/{thrice}/versions", headers=alice.headers)
    # The tenant's announcement, the summary, its versions; no text among them.
    assert len(statements) == 3
    assert "summary_versions.text" not in statements[-1]
