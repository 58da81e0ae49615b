"""POST /summaries/import: a list in, a report out, a row each."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.limits import Hit, Limit
from app.core.principal import Scope
from tests.factories import Factory, Person
from tests.summaries.batches.plan import set_used
from tests.summaries.imports.test_lists import BOOKMARKS
from tests.summaries.shelf import PATH as SUMMARIES
from tests.summaries.shelf import job_ids

pytestmark = pytest.mark.integration
PATH = f"{SUMMARIES}/import"
MIB = 1024 * 1024


async def send(
    client: AsyncClient, person: Person, body: bytes, *, key: str | None = None, **fields: str
) -> Response:
    headers = {**person.headers, **({"Idempotency-Key": key} if key else {})}
    return await client.post(PATH, files={"file": ("list", body)}, data=fields, headers=headers)


def outcomes(answer: Response) -> list[str]:
    assert answer.status_code == 207, answer.text
    return [row["outcome"] for row in answer.json()["rows"]]


async def test_who_may_not_write_may_not_import(client: AsyncClient, alice: Person, factory: Factory) -> None:
    reader = await factory.with_scopes(alice, Scope.SUMMARIES_READ)
    assert (await send(client, reader, b"https://a.example/")).status_code == 403


async def test_a_list_that_cannot_be_read_is_refused_and_nothing_is_made(
    client: AsyncClient, alice: Person, app: FastAPI, subtests: pytest.Subtests
) -> None:
    refused = [
        (b"\x00\x01", {}, 415, "unsupported_media_type"),
        (b"https://a.example/\n" * 1001, {}, 413, "body_too_large"),
        (b"a" * (5 * MIB + 1), {}, 413, "body_too_large"),
        (b"<opml ><body>", {}, 422, "validation_failed"),
        (b"https://a.example/", {"title": "One for all"}, 422, "validation_failed"),
        (b"https://a.example/", {"store": "false"}, 422, "validation_failed"),
        (b"https://a.example/", {"length": "huge"}, 422, "validation_failed"),
    ]
    for body, fields, status, code in refused:
        answer = await send(client, alice, body, **fields)
        with subtests.test(str((body[:20], fields))):
            assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await job_ids(app.state.database) == []


async def test_one_list_at_a_time(client: AsyncClient, alice: Person) -> None:
    files = [("files", ("a", b"https://a.example/"))]
    answer = await client.post(PATH, files=files, headers=alice.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/files")


async def test_every_row_is_reported_with_its_line(client: AsyncClient, alice: Person) -> None:
    body = b"https://a.example/\n\nftp://b.example/\nhttps://a.example/?utm_source=x\n" + b"x" * 9000
    rows = (await send(client, alice, body)).json()["rows"]
    told = [(row["line"], row["outcome"], row["status"], row["code"]) for row in rows]
    assert told == [
        (1, "created", 202, None),
        (3, "invalid", 422, "url_scheme"),
        (4, "duplicate", 200, None),
        (5, "invalid", 422, "url_length"),
    ]
    assert rows[0]["id"] == rows[2]["id"]
    assert rows[0]["location"].endswith(f"{SUMMARIES}/{rows[0]['id']}")
    assert len(rows[3]["url"]) == 2000


async def test_the_report_counts(client: AsyncClient, alice: Person) -> None:
    report = (await send(client, alice, b"https://a.example/\nhttps://a.example/\nnothing")).json()
    counts = {"created": 1, "duplicate": 1, "refreshed": 0, "invalid": 1, "refused": 0}
    assert (report["format"], report["counts"]) == ("text", counts)


async def test_folders_and_options_become_tags(client: AsyncClient, alice: Person) -> None:
    answer = await send(client, alice, BOOKMARKS.encode(), tags="reading", visibility="organization")
    assert outcomes(answer) == ["created", "invalid", "created"]
    first = answer.json()["rows"][0]["id"]
    summary = (await client.get(f"{SUMMARIES}/{first}", headers=alice.headers)).json()
    assert summary["tags"] == ["reading", "Work & play", "one", "two"]
    assert (summary["title"], summary["notes"], summary["visibility"]) == ("A <b>", "A note", "organization")


async def test_the_same_list_again_makes_nothing_unless_that_was_asked(
    client: AsyncClient, alice: Person
) -> None:
    body = b"https://a.example/\nhttps://b.example/"
    asked = [await send(client, alice, body), await send(client, alice, body)]
    asked.append(await send(client, alice, body, on_duplicate="new"))
    assert [set(outcomes(answer)) for answer in asked] == [{"created"}, {"duplicate"}, {"created"}]


async def test_rows_that_the_plan_has_no_room_for_are_refused_not_invalid(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await set_used(app, alice, 999)
    answer = await send(client, alice, b"https://a.example/\nhttps://b.example/\nhttps://c.example/")
    assert outcomes(answer) == ["created", "refused", "refused"]
    assert answer.json()["rows"][2]["code"] == "quota_exceeded"


async def test_rows_are_not_counted_by_the_minute_but_imports_are_by_the_hour(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    body = b"\n".join(b"https://a.example/%d" % number for number in range(40))
    assert set(outcomes(await send(client, alice, body))) == {"created"}
    verdict = await app.state.limiter.check([Hit(Limit.IMPORT, str(alice.organization_id))])
    assert verdict.tightest.level.remaining == 28


async def test_a_retry_with_the_same_key_is_answered_alike(client: AsyncClient, alice: Person) -> None:
    body = b"https://a.example/\nftp://b.example/"
    first = await send(client, alice, body, key="k1", on_duplicate="new")
    again = await send(client, alice, body, key="k1", on_duplicate="new")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json())


async def test_a_retry_after_a_stop_in_between_makes_no_row_twice(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await set_used(app, alice, 999)
    body = b"https://a.example/\nhttps://b.example/"
    first = await send(client, alice, body, key="k1", on_duplicate="new")
    await set_used(app, alice, 0)
    again = await send(client, alice, body, key="k1", on_duplicate="new")
    assert (outcomes(first), outcomes(again)) == (["created", "refused"], ["created", "created"])
    assert first.json()["rows"][0]["id"] == again.json()["rows"][0]["id"]


async def test_what_a_table_says_of_a_row_is_checked_as_for_any_summary(
    client: AsyncClient, alice: Person
) -> None:
    table = f"url,title,tags\nhttps://a.example/,{'t' * 501},\nhttps://b.example/,,{'t' * 51}\n,no url,"
    rows = (await send(client, alice, table.encode())).json()["rows"]
    assert [(row["line"], row["outcome"], row["code"]) for row in rows] == [
        (2, "invalid", "string_too_long"),
        (3, "invalid", "string_too_long"),
        (4, "invalid", "url_scheme"),
    ]
