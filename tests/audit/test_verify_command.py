"""What an operator sees of `precis audit verify`, with and without the log that a worker wrote."""

import json
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.audit.chain import PLATFORM
from app.audit.verification import verify_log
from app.settings import Settings
from tests.audit.ledger import fill, logged_checkpoints, sealer_of, write
from tests.audit.tampering import TRIGGERS_OFF
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.test_migrations import execute

pytestmark = pytest.mark.integration

NEWEST = "seq = (SELECT max(seq) FROM audit_seals s WHERE s.organization_id = audit_seals.organization_id)"
REMOVE_NEWEST = f"DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_seals WHERE {NEWEST})"  # noqa: S608  # our own names
# Everything waits again, a little changed.
WRITE_ANEW = [
    "TRUNCATE audit_seals, audit_heads, audit_checkpoints",
    "DELETE FROM audit_entries WHERE action = 'audit_chain_opened'",
    "UPDATE audit_entries SET actor_id = gen_random_uuid()",
    "INSERT INTO audit_unsealed SELECT id FROM audit_entries",
]
EVERYTHING = ("audit_entries", "audit_seals", "audit_heads", "audit_checkpoints", "audit_unsealed")


async def verify(settings: Settings, *, log: Path | None = None) -> tuple[bool, list[str]]:
    lines: list[str] = []
    return await verify_log(settings, lines.append, log=log), lines


async def test_a_removed_row_is_named_by_chain_place_and_entry(
    app: FastAPI, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    await fill(app, alice, rounds=1, each=2)
    await execute(database_urls.superuser, f"BEGIN; {TRIGGERS_OFF}; {REMOVE_NEWEST}; COMMIT")
    sound, lines = await verify(settings)
    assert not sound
    assert lines[0].startswith("chain the platform seq 3 entry ")
    assert lines[1].startswith(f"chain {alice.organization_id} seq 2 entry ")
    assert lines[1].endswith(": the entry was removed")
    assert lines[2].endswith("the platform's entry of this chain's beginning was removed")
    assert lines[3] == "5 sealed entries in 2 chains, 3 findings"


async def test_an_empty_log_is_sound(app: FastAPI, settings: Settings) -> None:
    assert app.state.settings == settings
    nothing = ["0 sealed entries in 0 chains, 0 findings", "0 entries wait for their seal"]
    assert await verify(settings) == (True, nothing)


async def test_entries_that_wait_are_counted_and_dated(
    app: FastAPI, alice: Person, settings: Settings
) -> None:
    await write(app, alice.organization_id, count=2)
    sound, lines = await verify(settings)
    assert sound
    assert lines[-1].startswith("2 entries wait for their seal, the oldest for ")


async def test_a_database_that_was_emptied_whole_is_found_by_the_log(
    app: FastAPI, alice: Person, settings: Settings, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    log.write_text("not JSON audit_checkpoint\n" + await logged_checkpoints(app, alice))
    assert (await verify(settings, log=log))[0]
    await execute(database_urls.superuser, f"BEGIN; {TRIGGERS_OFF}; TRUNCATE {', '.join(EVERYTHING)}; COMMIT")
    assert (await verify(settings))[0]
    sound, lines = await verify(settings, log=log)
    assert not sound
    assert any(line.startswith(f"chain {alice.organization_id} seq 2: a checkpoint saw") for line in lines)


async def test_a_line_that_somebody_put_into_the_log_is_found(
    app: FastAPI, settings: Settings, tmp_path: Path
) -> None:
    assert app.state.settings == settings
    line = {"event": "audit_checkpoint", "chain": str(PLATFORM), "seq": 1, "previous": 0}
    (tmp_path / "worker.log").write_text(json.dumps({**line, "hash": "00", "mac": "00"}) + "\n")
    sound, lines = await verify(settings, log=tmp_path / "worker.log")
    assert not sound
    assert "chain the platform seq 1: the log's checkpoint is not ours" in lines


async def test_history_that_a_holder_of_the_key_wrote_anew_is_found_by_the_log(
    app: FastAPI, alice: Person, settings: Settings, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    log.write_text(await logged_checkpoints(app, alice))
    await execute(database_urls.superuser, f"BEGIN; {TRIGGERS_OFF}; {'; '.join(WRITE_ANEW)}; COMMIT")
    await sealer_of(app).round()
    await sealer_of(app).round()
    assert (await verify(settings))[0]
    sound, lines = await verify(settings, log=log)
    assert not sound
    assert any("is not what a checkpoint saw: history was rewritten" in line for line in lines)
