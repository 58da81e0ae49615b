"""The sealer: nothing is skipped, nothing is sealed twice, and a tampered chain is not continued."""

import asyncio
from datetime import timedelta

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from pydantic import SecretStr

from app.audit.chain import AuditKey
from app.audit.sealing import BATCH, Sealer
from app.audit.service import record
from app.audit.store import PAGE, SealStore
from app.audit.verification import verify_log
from app.core.db import Database
from app.settings import Settings
from tests.audit.ledger import fill, key_of, logout, sealer_of, write
from tests.audit.tampering import TRIGGERS_OFF
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.test_isolation import tenant_of
from tests.test_migrations import execute

pytestmark = pytest.mark.integration

SEALED = "SELECT entry_id, seq FROM audit_seals WHERE organization_id = $1 ORDER BY seq"
MANY = """
INSERT INTO audit_entries (id, organization_id, action, actor_kind, details)
SELECT gen_random_uuid(), :organization_id, 'logout', 'user', '{}' FROM generate_series(1, :count)
"""


async def seqs(urls: DatabaseUrls, person: Person) -> list[int]:
    return [row["seq"] for row in await ask(urls.superuser, SEALED, person.organization_id)]


async def is_sound(settings: Settings) -> bool:
    return await verify_log(settings, lambda _: None)


async def test_an_entry_that_commits_after_later_ones_were_sealed_is_sealed_next(
    app: FastAPI, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    database: Database = app.state.database
    async with database.open(tenant_of(alice)) as late:
        await record(late, logout(alice.organization_id))
        await write(app, alice.organization_id)
        assert await sealer_of(app).round() == 1
        await late.commit()
    # The late one, and that alice's chain began.
    assert await sealer_of(app).round() == 2
    ids = [row["entry_id"] for row in await ask(database_urls.superuser, SEALED, alice.organization_id)]
    assert ids == sorted(ids, reverse=True)
    assert await is_sound(settings)


async def test_each_chain_is_counted_by_itself_from_one(
    app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    await fill(app, alice, charlie, rounds=2, each=2)
    assert await seqs(database_urls, alice) == [1, 2, 3, 4]
    assert await seqs(database_urls, charlie) == [1, 2, 3, 4]


async def test_a_sealer_that_dies_within_a_round_leaves_nothing_half_done(
    app: FastAPI, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    await write(app, alice.organization_id, count=3)
    await execute(database_urls.superuser, "ALTER TABLE audit_heads ADD CONSTRAINT dies CHECK (seq < 0)")
    with pytest.raises(Exception, match="dies"):
        await sealer_of(app).round()
    assert await seqs(database_urls, alice) == []
    await execute(database_urls.superuser, "ALTER TABLE audit_heads DROP CONSTRAINT dies")
    await sealer_of(app).round()
    assert await seqs(database_urls, alice) == [1, 2, 3]
    assert await is_sound(settings)


async def test_many_sealers_at_once_seal_each_entry_once(
    app: FastAPI, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    sealers = [sealer_of(app) for _ in range(4)]
    for _ in range(5):
        await write(app, alice.organization_id, count=3)
        await asyncio.gather(*(sealer.round() for sealer in sealers))
    await sealers[0].round()
    assert await seqs(database_urls, alice) == list(range(1, 16))
    assert await is_sound(settings)


async def test_second_sealer_leaves_it_to_the_first(app: FastAPI, alice: Person) -> None:
    await write(app, alice.organization_id)
    async with app.state.database.transaction() as session:
        assert await SealStore(session).claim()
        assert await sealer_of(app).round() == 0
    assert await sealer_of(app).round() == 1


async def test_a_log_of_many_pages_is_verified_to_its_end(
    app: FastAPI, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    values = f"'{alice.organization_id}'"
    many = MANY.replace(":organization_id", values).replace(":count", str(PAGE + BATCH))
    await execute(database_urls.superuser, many)
    sealer = sealer_of(app)
    while await sealer.round():
        pass
    lines: list[str] = []
    assert await verify_log(settings, lines.append)
    assert lines[0] == f"{PAGE + BATCH + 1} sealed entries in 2 chains, 0 findings"


async def test_a_round_takes_a_bounded_batch(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    values = f"'{alice.organization_id}'"
    many = MANY.replace(":organization_id", values).replace(":count", str(BATCH + 5))
    await execute(database_urls.superuser, many)
    rounds = [await sealer_of(app).round() for _ in range(3)]
    assert rounds == [BATCH, 6, 0]


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM audit_heads WHERE organization_id = '{0}'",
        "UPDATE audit_heads SET mac = sha256(mac) WHERE organization_id = '{0}'",
        "DELETE FROM audit_seals WHERE organization_id = '{0}' AND seq = 2",
    ],
)
async def test_a_chain_whose_end_was_tampered_with_is_not_continued_and_the_others_are(
    app: FastAPI,
    alice: Person,
    charlie: Person,
    settings: Settings,
    database_urls: DatabaseUrls,
    caplog: pytest.LogCaptureFixture,
    tampering: str,
) -> None:
    await fill(app, alice, charlie, rounds=1)
    forged = tampering.format(alice.organization_id)
    await execute(database_urls.superuser, f"BEGIN; {TRIGGERS_OFF}; {forged}; COMMIT")
    before = await seqs(database_urls, alice)
    await write(app, alice.organization_id)
    await write(app, charlie.organization_id)
    sealer = sealer_of(app)
    assert [await sealer.round() for _ in range(2)] == [1, 0]
    assert await seqs(database_urls, alice) == before
    assert await seqs(database_urls, charlie) == [1, 2, 3]
    assert caplog.text.count("audit_chain_broken") == 1
    assert not await is_sound(settings)


async def test_a_chain_that_was_removed_whole_and_begins_anew_is_found(
    app: FastAPI, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    await fill(app, alice, rounds=1)
    tables = ("audit_entries", "audit_seals", "audit_heads", "audit_checkpoints")
    of_alice = f"WHERE organization_id = '{alice.organization_id}'"
    removed = "; ".join(f"DELETE FROM {table} {of_alice}" for table in tables)  # noqa: S608  # our own names
    await execute(database_urls.superuser, f"BEGIN; {TRIGGERS_OFF}; {removed}; COMMIT")
    await fill(app, alice, rounds=1)
    assert await seqs(database_urls, alice) == [1, 2]
    assert not await is_sound(settings)


async def test_chains_that_moved_get_a_checkpoint_every_five_minutes(
    app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    await fill(app, alice, charlie, rounds=2, each=1)
    points = "SELECT seq, previous FROM audit_checkpoints WHERE organization_id = $1 ORDER BY seq"
    assert await ask(database_urls.superuser, points, alice.organization_id) == [{"seq": 1, "previous": 0}]
    at_once = Sealer(app.state.database, key_of(app), checkpoint_every=timedelta())
    await at_once.round()
    await at_once.round()
    found = await ask(database_urls.superuser, points, alice.organization_id)
    assert found == [{"seq": 1, "previous": 0}, {"seq": 2, "previous": 1}]


async def test_what_waits_and_what_was_sealed_is_measured(app: FastAPI, alice: Person) -> None:
    before = REGISTRY.get_sample_value("precis_audit_sealed_total") or 0
    await write(app, alice.organization_id, count=2)
    await sealer_of(app).round()
    assert REGISTRY.get_sample_value("precis_audit_sealed_total") == before + 2
    # That alice's chain began.
    assert REGISTRY.get_sample_value("precis_audit_unsealed") == 1


async def test_after_a_new_secret_chains_go_on_where_the_former_one_is_known(
    app: FastAPI, alice: Person, settings: Settings
) -> None:
    await fill(app, alice, rounds=1)
    await write(app, alice.organization_id)
    new = {"secret_key": SecretStr("quite another secret of forty characters")}
    renewed = settings.model_copy(update=new)
    assert await Sealer(app.state.database, AuditKey.from_settings(renewed)).round() == 0
    both = renewed.model_copy(update={"former_secret_keys": SecretStr(f"{settings.signing_secret}\n\n")})
    assert await Sealer(app.state.database, AuditKey.from_settings(both)).round() == 1
    assert await is_sound(both)
    assert not await is_sound(renewed)
