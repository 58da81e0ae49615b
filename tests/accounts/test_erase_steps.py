"""Erasing in steps: whatever happens to the worker, and whoever cannot be erased."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.accounts import erasure
from app.accounts.erasure import AccountEraser, erase_due_accounts
from app.accounts.repository import NOBODY, DueErasure
from app.core.db import Database, Tenant
from app.worker.queue import make_queue
from app.worker.upkeep import Upkeep
from tests.accounts.leaving import close, count, erase, let_grace_pass, multiply, receipt_of, signed
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.summaries.shelf import create

pytestmark = pytest.mark.integration


@pytest.fixture
def database(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


class DiesAfter:
    """A database whose worker dies at its nth transaction, committed or not."""

    def __init__(self, database: Database, transactions: int) -> None:
        self._database = database
        self._left = transactions

    def transaction(self, tenant: Tenant | None = None) -> Any:  # Any: as the database's own
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        return self._database.transaction(tenant)


@pytest.mark.parametrize("transactions", range(1, 15))
async def test_a_worker_that_dies_in_the_middle_is_followed_by_one_that_goes_on(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    bob: Person,
    database_urls: DatabaseUrls,
    transactions: int,
) -> None:
    for visibility in ("private", "organization"):
        await create(client, bob, visibility=visibility)
    receipt = await close(client, bob)
    await let_grace_pass(app)
    dying = AccountEraser(DiesAfter(app.state.database, transactions), DueErasure(receipt, bob.user_id))  # type: ignore[arg-type]  # stands in for it
    with pytest.raises(KeyboardInterrupt):
        await dying.erase()
    assert await erase_due_accounts(app.state.database) == 1
    counts = (await receipt_of(database_urls, receipt))["counts"]
    assert (counts["summaries"], counts["summaries_kept_unsigned"], counts["organizations"]) == (1, 1, 1)
    assert await signed(app, alice.organization_id) == [(NOBODY, "organization")]


async def test_many_summaries_go_in_small_steps(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await create(client, alice)
    copies = erasure.SUMMARIES_A_STEP * 2 + 1
    await multiply(app, alice, copies, characters=32)
    receipt = await close(client, alice)
    assert await erase(app) == 1
    assert (await receipt_of(database_urls, receipt))["counts"]["summaries"] == copies + 1


async def test_one_that_cannot_be_erased_holds_up_nobody_and_is_reported(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    charlie: Person,
    database: Database,
    database_urls: DatabaseUrls,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await close(client, alice)
    await close(client, charlie)
    stuck = (
        "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF OLD.username = 'alice' THEN RAISE 'stuck'; END IF; RETURN OLD; END $$"
    )
    await ask(database_urls.superuser, stuck)
    trigger = "CREATE TRIGGER stuck BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION stuck()"
    await ask(database_urls.superuser, trigger)
    assert await erase(app) == 1
    assert "erasure_failed" in caplog.text
    assert await count(database_urls, "users") == 1
    await ask(database_urls.superuser, "DROP FUNCTION stuck CASCADE")
    assert await erase_due_accounts(database) == 1


async def test_two_workers_erase_it_once(
    client: AsyncClient, app: FastAPI, alice: Person, database: Database, database_urls: DatabaseUrls
) -> None:
    receipt = await close(client, alice)
    assert await erase(app) == 1
    late = AccountEraser(database, DueErasure(receipt, alice.user_id))
    assert await late.erase() is False
    assert await late._finish() is False  # noqa: SLF001  # where the late one may be
    assert await count(database_urls, "audit_entries", action="account_erased") == 1


async def test_the_workers_upkeep_erases(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await close(client, alice)
    await let_grace_pass(app)
    queue = make_queue(app.state.settings)
    async with queue.open_async():
        await Upkeep(queue, app.state.database).round()
    assert await count(database_urls, "users") == 0
