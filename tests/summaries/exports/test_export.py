"""The stream itself: batch by batch, without a connection in between, and never complete where it is not."""

import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from app.core.db import Database, Tenant
from app.core.middleware.unhandled import is_unavailable
from app.core.pagination import Keyset
from app.summaries.exports.export import PATIENCE, CutOffError, Exporter, Patience, Wanted
from app.summaries.exports.vocabulary import ExportFormat
from app.summaries.filters import Filters
from app.summaries.repository import NEWEST_FIRST, OLDEST_FIRST
from tests.factories import Person, principal_of
from tests.summaries.shelf import create

pytestmark = pytest.mark.integration


def exporter(
    app: FastAPI,
    person: Person,
    *,
    keyset: Keyset = NEWEST_FIRST,
    draining: bool = False,
    patience: Patience = PATIENCE,
) -> Exporter:
    principal = principal_of(person)
    return Exporter(
        app.state.database,
        Wanted(principal, Filters(), keyset),
        is_living=partial(app.state.progress.hub.is_living, principal),
        is_draining=lambda: draining,
        patience=patience,
        rows_a_batch=2,
    )


async def begun(source: Exporter, wanted: ExportFormat = ExportFormat.NDJSON) -> AsyncIterator[bytes]:
    return await source.begin(wanted, end_marker=False)


async def shelf_of(client: AsyncClient, person: Person, *, many: int) -> list[str]:
    return [(await create(client, person))["id"] for _ in range(many)]


def ids_in(text: str, wanted: ExportFormat) -> list[str]:
    match wanted:
        case ExportFormat.NDJSON:
            return [json.loads(line)["id"] for line in text.splitlines()]
        case ExportFormat.JSON:
            return [item["id"] for item in json.loads(text)]
        case ExportFormat.CSV:
            return [row["id"] for row in csv.DictReader(io.StringIO(text, newline=""))]
        case ExportFormat.MD:
            return [line.removeprefix("- Id: ") for line in text.splitlines() if line.startswith("- Id: ")]


@pytest.mark.parametrize("wanted", ExportFormat)
@pytest.mark.parametrize("many", [1, 2, 3, 4])
async def test_every_one_comes_once_however_the_batches_fall(
    client: AsyncClient, app: FastAPI, alice: Person, wanted: ExportFormat, many: int
) -> None:
    ids = await shelf_of(client, alice, many=many)
    for keyset, expected in ((NEWEST_FIRST, ids[::-1]), (OLDEST_FIRST, ids)):
        chunks = [chunk async for chunk in await begun(exporter(app, alice, keyset=keyset), wanted)]
        assert ids_in(b"".join(chunks).decode(), wanted) == expected
        assert len(chunks) == many // 2 + 1


async def test_between_two_batches_no_connection_is_held(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await shelf_of(client, alice, many=3)
    await app.state.job_waker.told()
    database: Database = app.state.database
    async for _ in await begun(exporter(app, alice)):
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of a pool that queues


async def test_one_that_comes_meanwhile_is_left_out_and_none_comes_twice(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    ids = await shelf_of(client, alice, many=4)
    chunks = []
    async for chunk in await begun(exporter(app, alice)):
        chunks.append(chunk)
        await create(client, alice)
    assert ids_in(b"".join(chunks).decode(), ExportFormat.NDJSON) == ids[::-1]


class BreakingDatabase(Database):
    """Gone after so many transactions: the export's own entry, and one batch."""

    left = 2

    @override
    @asynccontextmanager
    async def transaction(self, tenant: Tenant | None = None) -> AsyncIterator[AsyncSession]:
        self.left -= 1
        if self.left < 0:
            raise ConnectionResetError
        async with super().transaction(tenant) as session:
            yield session


@pytest.mark.parametrize("wanted", ExportFormat)
async def test_a_fault_in_the_middle_is_raised_and_nothing_looks_like_the_end(
    client: AsyncClient, app: FastAPI, alice: Person, wanted: ExportFormat
) -> None:
    await shelf_of(client, alice, many=4)
    source = Exporter(
        BreakingDatabase(app.state.database.engine),
        Wanted(principal_of(alice), Filters(), NEWEST_FIRST),
        is_living=partial(app.state.progress.hub.is_living, principal_of(alice)),
        is_draining=lambda: False,
        rows_a_batch=2,
    )
    stream = await source.begin(wanted, end_marker=True)
    told = (await anext(stream)).decode()
    with pytest.raises(ConnectionResetError):
        await anext(stream)
    assert not told.endswith("]\n")
    assert "end" not in told.lower().splitlines()[-1]


@pytest.mark.parametrize("ending", ["UPDATE auth_sessions SET revoked_at = now()", "DELETE FROM memberships"])
async def test_whose_access_has_ended_reads_no_further(
    client: AsyncClient, app: FastAPI, alice: Person, ending: str
) -> None:
    await shelf_of(client, alice, many=4)
    stream = await begun(exporter(app, alice))
    await anext(stream)
    async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        await session.execute(text(ending))
    with pytest.raises(CutOffError):
        await anext(stream)


async def test_an_export_gets_only_so_old(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await shelf_of(client, alice, many=4)
    stream = await begun(exporter(app, alice, patience=Patience(whole=0)))
    await anext(stream)
    with pytest.raises(CutOffError):
        await anext(stream)


def test_what_is_cut_off_is_no_fault_to_be_reported() -> None:
    assert is_unavailable(CutOffError())


async def test_a_process_that_stops_cuts_long_exports_off(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await shelf_of(client, alice, many=4)
    stream = await begun(exporter(app, alice, draining=True, patience=Patience(draining=0)))
    await anext(stream)
    with pytest.raises(CutOffError):
        await anext(stream)


async def test_a_process_that_stops_lets_short_ones_end(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    ids = await shelf_of(client, alice, many=4)
    stream = await begun(exporter(app, alice, draining=True))
    assert len(b"".join([chunk async for chunk in stream]).splitlines()) == len(ids)
