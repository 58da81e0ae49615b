"""Search looks past row-level security, so its own walls are tried: who finds or counts whose words."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.core.principal import MembershipRole
from app.summaries.filters import Filters
from tests.factories import Factory, Person
from tests.isolation.first_wall import filters_off
from tests.isolation.world import told
from tests.summaries.search.corpus import ask, count, shelve, titles
from tests.summaries.shelf import PATH

pytestmark = pytest.mark.integration

SECRET = "xyzzy lighthouse"
ASKED = [
    ("xyzzy", {}),
    ("xyzzy", {"sort": "relevance"}),
    ('"xyzzy lighthouse"', {"sort": "relevance"}),
    ("-nowhere tag:hidden", {}),
    ("tag:hidden", {}),
    ("site:hidden.example", {}),
    ("lang:eo", {}),
    ("-nowhere", {}),
    ("is:archived", {}),
]
FIND = "SELECT summary_id FROM find_summaries(CAST(:wanted AS jsonb), '-created_at', NULL, NULL, NULL, 100)"
COUNT = "SELECT count_found_summaries(CAST(:wanted AS jsonb))"


async def hide(app: FastAPI, person: Person, **values: Any) -> str:  # Any: columns
    labels = {"tags": ["hidden"], "canonical_url": "https://hidden.example/", "language": "eo"}
    return await shelve(app, person, SECRET, **labels, **values)


async def everything(client: AsyncClient, person: Person) -> list[Any]:  # Any: what answers said
    answers = [told(await ask(client, person, q, **query)) for q, query in ASKED]
    counts = [await count(client, person, q) for q, _ in ASKED]
    tags = await client.get(f"{PATH}/tags", headers=person.headers)
    return [*answers, *counts, told(tags)]


async def test_a_foreign_tenants_words_change_no_answer(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person
) -> None:
    await shelve(app, charlie, "A lighthouse of my own")
    before = await everything(client, charlie)
    for shown in ("private", "organization"):
        await hide(app, alice, visibility=shown)
    assert await everything(client, charlie) == before
    assert await titles(client, alice, "xyzzy") == [SECRET, SECRET]


async def test_another_members_private_words_change_no_answer(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, factory: Factory
) -> None:
    admin = await factory.member("dora", alice.organization_id, role=MembershipRole.ADMIN)
    await shelve(app, alice, "A lighthouse for all", visibility="organization")
    before = [await everything(client, person) for person in (bob, admin)]
    await hide(app, alice)
    assert [await everything(client, person) for person in (bob, admin)] == before


async def test_what_is_shared_is_found_and_what_is_shared_no_longer_is_not(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    url = f"{PATH}/{await hide(app, alice)}"
    for shown, found in (("organization", [SECRET]), ("private", [])):
        await client.patch(url, json={"visibility": shown}, headers=alice.headers)
        assert await titles(client, bob, "xyzzy tag:hidden") == found


@pytest.mark.parametrize("q", ["xyzzy", "tag:hidden"])
async def test_neither_wall_needs_the_other(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person, q: str
) -> None:
    await hide(app, alice, visibility="organization")
    with filters_off(app) as sent:
        assert await titles(client, charlie, q) == []
        assert await count(client, charlie, q) == 0
    assert any("find_summaries" in statement for statement in sent)


async def test_labels_that_only_we_write_are_not_found_as_words_or_tags(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person
) -> None:
    await hide(app, alice)
    for label in (f"in:{alice.organization_id}", f"in:{alice.organization_id}:{alice.user_id}", "as:simple"):
        for q in (f'"={label}"', f"tag:\"x' | '={label}\"", f'-"={label}" -nowhere', f'"{label}"'):
            assert await titles(client, charlie, q) == [], q


async def test_the_functions_believe_the_transaction_alone(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    """No argument names a tenant; without one, or without a person, there is no word of anybody's."""
    await hide(app, alice)
    foreign = {"tenant": str(alice.organization_id), "viewer": str(alice.user_id)}
    wanted = json.dumps({**Filters(terms=("xyzzy",)).wanted(), **foreign})
    for tenant in (
        None,
        Tenant(),
        Tenant(charlie.organization_id, charlie.user_id),
        Tenant(charlie.organization_id, alice.user_id),
        Tenant(alice.organization_id),
        Tenant(user_id=alice.user_id),
    ):
        async with app.state.database.transaction(tenant) as session:
            assert (await session.execute(text(FIND), {"wanted": wanted})).all() == []
            assert await session.scalar(text(COUNT), {"wanted": wanted}) == 0


async def test_looking_leaves_nothing_open_behind_it(app: FastAPI, alice: Person, charlie: Person) -> None:
    await hide(app, alice)
    wanted = json.dumps(Filters(terms=("xyzzy",)).wanted())
    async with app.state.database.transaction(Tenant(charlie.organization_id, charlie.user_id)) as session:
        await session.execute(text(FIND), {"wanted": wanted})
        assert await session.scalar(text("SELECT current_setting('app.lookup', true)")) == ""
        assert (await session.execute(text("SELECT 1 FROM summaries"))).all() == []
