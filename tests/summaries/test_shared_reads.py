"""Reads of one moment share a statement where they are of one reader, and never with anybody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.factories import Person
from tests.statements import statements_of
from tests.summaries.shelf import PATH, create

pytestmark = pytest.mark.integration


async def at_once(client: AsyncClient, *wanted: tuple[Person, str]) -> list[Response]:
    return await asyncio.gather(*(client.get(path, headers=person.headers) for person, path in wanted))


@asynccontextmanager
async def reads_of(app: FastAPI) -> AsyncIterator[list[str]]:
    """What summaries were asked for."""
    reads = list[str]()
    async with statements_of(app) as statements:
        yield reads
    reads += [statement for statement in statements if "FROM summaries" in statement]


async def shelf(client: AsyncClient, person: Person, *, many: int) -> list[str]:
    return [f"{PATH}/{(await create(client, person))['id']}" for _ in range(many)]


def ids(answer: Response) -> list[Any]:  # Any: JSON
    return [item["id"] for item in answer.json()["items"]]


async def test_many_cold_ones_of_a_reader_are_few_statements_and_each_gets_its_own(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    paths = await shelf(client, alice, many=8)
    async with reads_of(app) as reads:
        answers = await at_once(client, *((alice, path) for path in paths))
    assert [f"{PATH}/{answer.json()['id']}" for answer in answers] == paths
    assert len(reads) < len(paths)


async def test_nobody_gets_anothers_though_both_ask_at_once(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person
) -> None:
    """Bob is of Alice's organisation, and this is private."""
    created = await create(client, alice, visibility="private")
    mine, theirs = f"{PATH}/{created['id']}", (await shelf(client, charlie, many=1))[0]
    people = (alice, bob, charlie)
    answers = await at_once(client, *((person, path) for path in (mine, theirs) for person in people))
    assert [answer.status_code for answer in answers] == [200, 404, 404, 404, 404, 200]


async def test_equal_lists_at_once_are_few_statements(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await shelf(client, alice, many=3)
    first, _ = await at_once(client, (alice, f"{PATH}?limit=2"), (alice, PATH))
    async with reads_of(app) as reads:
        answers = await at_once(client, *[(alice, f"{PATH}?limit=2")] * 10)
    assert {answer.content for answer in answers} == {first.content}
    assert len(reads) < len(answers)


async def test_lists_that_differ_are_each_their_own(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person
) -> None:
    theirs = (await create(client, charlie))["id"]
    shared, private = [
        (await create(client, alice, visibility=each))["id"] for each in ("organization", "private")
    ]
    cursor = (await client.get(f"{PATH}?limit=1", headers=alice.headers)).json()["next_cursor"]
    lists = await at_once(
        client,
        (alice, PATH),
        (bob, PATH),
        (charlie, PATH),
        (alice, f"{PATH}?limit=1"),
        (alice, f"{PATH}?limit=1&cursor={cursor}"),
        (alice, f"{PATH}?visibility=private"),
        (alice, f"{PATH}?created_after=2026-01-01T00:00:00Z"),
        (alice, f"{PATH}?created_after=2999-01-01T00:00:00Z"),
    )
    both = [private, shared]
    assert [ids(each) for each in lists] == [
        both,
        [shared],
        [theirs],
        [private],
        [shared],
        [private],
        both,
        [],
    ]


async def test_whoever_wrote_finds_it_in_their_list_whatever_others_ask(
    client: AsyncClient, alice: Person
) -> None:
    for _ in range(6):
        others = [asyncio.create_task(client.get(PATH, headers=alice.headers)) for _ in range(4)]
        created = (await create(client, alice))["id"]
        assert created in ids(await client.get(PATH, headers=alice.headers))
        await asyncio.gather(*others)
