"""What people read without a transaction of their own: one statement, which those of one turn share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select

from app.core.batch_loader import BatchLoader
from app.core.cache import BodyCache, CachedBody, Miss
from app.core.db import Database, Tenant
from app.core.pagination import CursorCodec, Keyset, PageOfRows, PageRequest, Pagination
from app.core.principal import Principal
from app.core.row_memory import RowMemory
from app.core.single_flight import SingleFlight
from app.summaries.counting.repository import ShelfCounts
from app.summaries.filters import Filters
from app.summaries.queries import SEVERAL, WITH_TEXT
from app.summaries.rendering import document_of, document_with_text, highlighted, item_of, may_read
from app.summaries.search.queries import PageShape, page_statement, page_values, states_statement
from app.summaries.search.repository import Shelf

NARROWING = tuple(field.name for field in fields(Filters))


@dataclass(frozen=True, slots=True)
class Cold:
    """As it was read; what is not kept goes with the first who has seen it, and so is nobody else's."""

    document: CachedBody
    is_kept: bool


class Question(NamedTuple):
    """Whoever asks the same at the same time is told the same rows."""

    tenant: Tenant
    statement: Select[*tuple[Any, ...]]  # Any: its columns
    values: tuple[tuple[str, object], ...]


class SummaryReads:
    def __init__(self, database: Database, cache: BodyCache, cursors: CursorCodec) -> None:
        self._database = database
        self._cache = cache
        self._cursors = cursors
        self._flights = SingleFlight[Cold | None]()
        self._items = RowMemory()
        self._rows = BatchLoader[Tenant, UUID, Any](self._load_rows, name="SELECT summaries")  # Any: a row
        self._pages = BatchLoader[Question, None, Sequence[Any]](self._load_page, name="SELECT summaries")

    async def find(self, principal: Principal, summary_id: UUID, missed: Miss) -> Cold | None:
        """After a look into the cache: of all who missed the same state of it one asks the database."""
        tenant = tenant_of(principal)

        async def load() -> Cold | None:
            return await self._load(tenant, summary_id, missed)

        # Without a fence two of them may have missed different states: then one's own write is in between.
        flight = self._flights.fetch(f"{missed.key} {missed.fence}", load) if missed.fence else load()
        found = await flight
        return found if found and may_read(principal, found.document) else None

    async def find_with_text(self, principal: Principal, summary_id: UUID) -> Cold | None:
        """From the database: texts are in no cache."""
        tenant = tenant_of(principal)
        values = {"organization_id": tenant.organization_id, "summary_id": summary_id}
        rows = await self._database.read(tenant, WITH_TEXT, values)
        if not rows:
            return None
        found = Cold(document_with_text(rows[0], rows[0].text), is_kept=not rows[0].ephemeral)
        return found if may_read(principal, found.document) else None

    async def _load(self, tenant: Tenant, summary_id: UUID, missed: Miss) -> Cold | None:
        row = await self._rows.load(tenant, summary_id)
        if row is None:
            return None
        found = Cold(document_of(row), is_kept=not row.ephemeral)
        if found.is_kept:
            await self._cache.put(missed, found.document)
        return found

    async def _load_rows(self, tenant: Tenant, summary_ids: Sequence[UUID]) -> Sequence[Any]:  # Any: rows
        values = {"organization_id": tenant.organization_id, "summary_ids": summary_ids}
        rows = {row.id: row for row in await self._database.read(tenant, SEVERAL, values)}
        return [rows.get(summary_id) for summary_id in summary_ids]

    async def page(
        self, principal: Principal, filters: Filters, keyset: Keyset, request: PageRequest
    ) -> PageOfRows[bytes]:
        """Each rendered. Raises InvalidCursorError."""
        pagination = Pagination(self._cursors, keyset, request, scope_of(principal, filters))
        if filters.need_search:
            shelf = Shelf(self._database, principal.organization_id, viewer=principal.user_id)
            found = await shelf.page(filters, pagination)
            items = [highlighted(self._item(each.summary), each.highlights) for each in found.items]
            return PageOfRows(items, found.next_cursor)
        return await self._page(tenant_of(principal), filters, pagination)

    async def count(self, principal: Principal, filters: Filters, *, at_most: int | None) -> int:
        """How many the pages have in all, or `at_most`."""
        counts = ShelfCounts(self._database, principal.organization_id, viewer=principal.user_id)
        return await counts.count(filters, at_most=at_most)

    async def _page(self, tenant: Tenant, filters: Filters, pagination: Pagination) -> PageOfRows[bytes]:
        """In the order of time, without words."""
        keyset, request = pagination.keyset, pagination.request
        position = pagination.position()
        shape = PageShape.of(filters, keyset, rows=request.limit + 1, is_behind=position is not None)
        values = page_values(filters, keyset, tenant, position)
        if position is None:
            # The first page is looked at again and again; the others are walked through, mostly once.
            page = pagination.page(await self._ask(tenant, states_statement(shape), values))
            known = self._items.recall([row.state for row in page.items])
            if known is not None:
                return PageOfRows(known, page.next_cursor)
        # All of them, as one moment has them.
        page = pagination.page(await self._ask(tenant, page_statement(shape), values))
        return PageOfRows([self._item(row) for row in page.items], page.next_cursor)

    async def _ask(
        self, tenant: Tenant, statement: Select[*tuple[Any, ...]], values: Mapping[str, object]
    ) -> Sequence[Any]:  # Any: rows, of the statement's columns
        return await self._pages.load(Question(tenant, statement, tuple(values.items())), None)

    async def _load_page(
        self, asked: Question, callers: Sequence[None]
    ) -> Sequence[Sequence[Any]]:  # Any: as above
        rows = await self._database.read(asked.tenant, asked.statement, dict(asked.values))
        return [rows] * len(callers)

    def _item(self, row: Any) -> bytes:  # Any: a row of `SHOWN` and its state
        if known := self._items.recall([row.state]):
            return known[0]
        item = item_of(row)
        self._items.keep(row.state, item)
        return item


def tenant_of(principal: Principal) -> Tenant:
    return Tenant(organization_id=principal.organization_id, user_id=principal.user_id)


def scope_of(principal: Principal, filters: Filters) -> Mapping[str, object]:
    """Of a cursor: whose list it is, and what narrows it."""
    narrowed = {name: getattr(filters, name) for name in NARROWING}
    return {**narrowed, "organization_id": principal.organization_id, "viewer": principal.user_id}
