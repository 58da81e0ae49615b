"""Taking along everything that is kept about me, and nothing of anybody else."""

import io
import json
import tracemalloc
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.accounts.archive import Archive
from app.accounts.export import ExportService
from app.accounts.privacy_router import ZipResponse
from app.core.db import Tenant
from app.core.principal import Scope
from app.summaries.tasks import summarise
from tests.accounts.leaving import ME, count, multiply
from tests.catalogue import ask
from tests.factories import PASSWORD, Factory, Person, Robot, principal_of
from tests.servers import DatabaseUrls
from tests.summaries.shelf import PATH, create
from tests.summaries.uploads.forms_sent import upload
from tests.summaries.workbench import bench_of, key_of

pytestmark = pytest.mark.integration
EXPORT = f"{ME}/export"
USER_COLUMNS = """
SELECT c.relname AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attname IN ('user_id', 'account_id', 'subject_id', 'email') AND c.relkind = 'r'
    AND c.relnamespace = 'public'::regnamespace
"""
EXPORTED = {
    "users",
    *("memberships", "auth_sessions", "api_keys", "second_factors", "recovery_codes", "oauth_accounts"),
    *("summaries", "summary_feeds", "audit_entries", "invitations", "usage_days"),
}
# Counts of wrong guesses by others, and the clock of an account that is closed and can export no more.
# Answers of a day, sealed so that not even we can read them; and what an organisation's endpoints were told.
LEFT_OUT = {"login_tallies", "account_erasures", "idempotency_keys", "webhook_deliveries"}


def own_of(person: Person) -> Tenant:
    return Tenant(person.organization_id, person.user_id)


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Bytes that Python held at most, afterwards."""
    tracemalloc.start()
    try:
        yield lambda: peak
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def unpack(answer: Response) -> dict[str, list[dict[str, Any]]]:  # Any: JSON
    assert answer.status_code == 200, answer.text
    return unpack_bytes(answer.content)


def unpack_bytes(content: bytes) -> dict[str, list[dict[str, Any]]]:  # Any: JSON
    packed = zipfile.ZipFile(io.BytesIO(content))
    assert packed.testzip() is None
    files = {name: packed.read(name) for name in packed.namelist() if name.endswith(".ndjson")}
    return {
        name.removesuffix(".ndjson"): [json.loads(line) for line in content.splitlines()]
        for name, content in files.items()
    }


async def export(client: AsyncClient, person: Person) -> dict[str, list[dict[str, Any]]]:  # Any: JSON
    return unpack(await client.get(EXPORT, headers=person.headers))


async def test_an_api_key_exports_nothing(client: AsyncClient, robot: Robot) -> None:
    answer = await client.get(EXPORT, headers=robot.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "recent_login_required")


async def test_a_token_without_the_scope_exports_nothing(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    narrow = await factory.with_scopes(alice, Scope.SUMMARIES_READ)
    assert (await client.get(EXPORT, headers=narrow.headers)).json()["code"] == "insufficient_scope"


async def test_an_old_login_exports_nothing(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    aged = text("UPDATE auth_sessions SET created_at = now() - interval '16 min', authenticated_at = NULL")
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(aged)
    assert (await client.get(EXPORT, headers=alice.headers)).json()["code"] == "recent_login_required"


async def test_the_fourth_export_in_an_hour_is_limited_for_that_person_alone(
    client: AsyncClient, alice: Person, charlie: Person
) -> None:
    statuses = [(await client.get(EXPORT, headers=alice.headers)).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert (await client.get(EXPORT, headers=charlie.headers)).status_code == 200


async def test_every_table_about_a_person_is_in_it_or_left_out_for_a_reason(
    database_urls: DatabaseUrls,
) -> None:
    named = {row["name"] for row in await ask(database_urls.superuser, USER_COLUMNS)}
    assert named == EXPORTED | LEFT_OUT


async def test_it_holds_what_is_mine(
    client: AsyncClient, alice: Person, robot: Robot, database_urls: DatabaseUrls
) -> None:
    await client.post("/api/v1/auth/token", data={"username": alice.username, "password": PASSWORD})
    trashed = await create(client, alice)
    await client.delete(f"{PATH}/{trashed['id']}", headers=alice.headers)
    kept = await create(client, alice)
    await client.post(f"{PATH}/{kept['id']}/share", headers=alice.headers)
    await client.post(f"{PATH}/feed", headers=alice.headers)
    files = await export(client, alice)
    assert ([row["id"] for row in files["shares"]], len(files["feeds"])) == ([kept["id"]], 1)
    assert files["profile"][0]["email"] == "alice@example.com"
    assert [row["role"] for row in files["memberships"]] == ["owner"]
    assert len(files["sessions"]) == 2
    assert [row["prefix"] for row in files["api_keys"]] == [robot.api_key[:12]]
    assert {row["id"] for row in files["summaries"]} == {kept["id"], trashed["id"]}
    assert {row["summary_id"] for row in files["texts"]} == {kept["id"], trashed["id"]}
    assert "The river rose" in files["texts"][0]["input"]
    assert {"login_success", "account_exported"} <= {row["action"] for row in files["audit_entries"]}
    assert await count(database_urls, "audit_entries", action="account_exported") == 1


async def test_what_was_summarised_is_in_it_with_its_former_version(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    created = await create(client, alice)
    for asked in (None, "regenerate"):
        if asked:
            again = await client.post(f"{PATH}/{created['id']}/{asked}", json={}, headers=alice.headers)
            assert again.status_code == 202
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
    files = await export(client, alice)
    (summary,), (version,) = files["summaries"], files["versions"]
    assert (summary["status"], version["summary_id"]) == ("ready", created["id"])
    assert summary["summary"] == version["summary"] != ""


async def test_a_file_that_waits_for_its_reader_is_in_it(client: AsyncClient, alice: Person) -> None:
    created = (await upload(client, alice, b"Words of a file.", name="words.txt")).json()
    [row] = (await export(client, alice))["texts"]
    assert (row["summary_id"], row["document_name"]) == (created["id"], "words.txt")
    assert b64decode(row["document"]) == b"Words of a file."


async def test_it_holds_nothing_that_opens_anything(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot, database_urls: DatabaseUrls
) -> None:
    enrolled = await client.post("/api/v1/auth/totp/enroll", headers=alice.headers, json={})
    assert enrolled.status_code in {200, 201}, enrolled.text
    answer = await client.get(EXPORT, headers=alice.headers)
    everything = json.dumps(unpack(answer))
    (key,) = await ask(database_urls.superuser, "SELECT digest FROM api_keys")
    secrets = [robot.api_key, alice.access_token, alice.refresh_token, key["digest"].hex(), "$argon2"]
    assert all(secret not in everything for secret in (*secrets, enrolled.json()["secret"]))
    assert len(unpack(answer)["second_factor"]) == 1
    assert not {"digest", "hashed_password", "sealed_secret", "counter"} & set(everything.split('"'))
    assert app.title


async def test_it_holds_nothing_of_anybody_elses(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person
) -> None:
    await create(client, alice, visibility="organization")
    own = await create(client, bob)
    await create(client, charlie)
    files = await export(client, bob)
    assert [row["id"] for row in files["summaries"]] == [own["id"]]
    everything = json.dumps(files)
    for other in (alice, charlie):
        assert str(other.user_id) not in everything
        assert f"{other.username}@example.com" not in everything


async def test_both_of_ones_organisations_are_in_it(client: AsyncClient, alice: Person, bob: Person) -> None:
    await create(client, bob)
    files = await export(client, bob)
    assert sorted(row["role"] for row in files["memberships"]) == ["member", "owner"]
    assert files["summaries"][0]["organization_id"] == str(alice.organization_id)


async def test_of_what_others_did_to_me_their_address_is_not_told(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person
) -> None:
    entry = text(
        "INSERT INTO audit_entries (id, action, actor_kind, actor_id, subject_id, address, details)"
        " VALUES (gen_random_uuid(), 'role_changed', 'staff', :actor, :subject, '1.2.3.4', '{}')"
    )
    async with app.state.database.transaction() as session:
        await session.execute(entry, {"actor": charlie.user_id, "subject": alice.user_id})
    (row,) = [e for e in (await export(client, alice))["audit_entries"] if e["action"] == "role_changed"]
    assert (row["address"], row["was_me"], row["actor_kind"]) == (None, False, "staff")
    # To whoever did it, it is their own act.
    (row,) = [e for e in (await export(client, charlie))["audit_entries"] if e["action"] == "role_changed"]
    assert (row["address"], row["was_me"]) == ("1.2.3.4", True)


async def test_without_a_person_the_narrow_functions_show_nothing(app: FastAPI, alice: Person) -> None:
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        entries = text("SELECT id FROM my_audit_entries('00000000-0000-0000-0000-000000000000', 100)")
        assert (await session.execute(entries)).all() == []
        assert (await session.execute(text("SELECT my_authored_organizations()"))).all() == []


async def test_it_is_a_file_that_nothing_keeps(client: AsyncClient, alice: Person) -> None:
    answer = await client.get(EXPORT, headers={**alice.headers, "Accept-Encoding": "gzip"})
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-disposition"].startswith('attachment; filename="precis-export-')


async def test_a_client_that_goes_away_leaves_no_file_open() -> None:
    archive = Archive()
    await archive.finish(generated_at=datetime.now(UTC))

    async def gone(message: Message) -> None:
        raise OSError(message["type"])

    async def never() -> Message:
        raise AssertionError

    scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
    with pytest.raises(ClientDisconnect):
        await ZipResponse(archive, name="x.zip")(scope, never, gone)
    with pytest.raises(ValueError, match="closed file"):
        await anext(archive.chunks())


async def test_it_is_made_in_memory_of_a_constant_size(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await create(client, alice)
    await multiply(app, alice, 1999, characters=32 * 600)
    async with app.state.database.transaction(own_of(alice)) as session:
        with traced() as peak:
            archive = await ExportService(session, principal_of(alice)).export(address=None)
    # 77 MB of texts, 4 of them at a time, as a row, as JSON and as bytes.
    assert peak() < 25_000_000
    files = unpack_bytes(b"".join([chunk async for chunk in archive.chunks()]))
    await archive.close()
    assert (len(files["summaries"]), len(files["texts"])) == (2000, 2000)
