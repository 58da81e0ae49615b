"""What people read without a transaction of their own: each one statement, in one round trip."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from app.core.cache import BodyCache, CachedBody, Miss
from app.core.db import Database, Tenant
from app.core.pagination import CursorCodec, Keyset, PageOfRows, PageRequest, Pagination
from app.core.principal import Principal
from app.core.row_memory import RowMemory
from app.core.single_flight import SingleFlight
from app.summaries.filters import Filters
from app.summaries.queries import ONE
from app.summaries.rendering import document_of, item_of, may_read
from app.summaries.search.queries import PageShape, page_statement, page_values, states_statement
from app.summaries.search.repository import Found

NARROWING = tuple(field.name for field in fields(Filters))


@dataclass(frozen=True, slots=True)
class Cold:
    """As it was read; what is not kept goes with the first who has seen it, and so is nobody else's."""

    document: CachedBody
    is_kept: bool


class SummaryReads:
    def __init__(self, database: Database, cache: BodyCache, cursors: CursorCodec) -> None:
        self._database = database
        self._cache = cache
        self._cursors = cursors
        self._flights = SingleFlight[Cold | None]()
        self._items = RowMemory()

    async def find(self, principal: Principal, summary_id: UUID, missed: Miss) -> Cold | None:
        """After a look into the cache: of all who missed the same state of it one asks the database."""
        tenant = tenant_of(principal)

        async def load() -> Cold | None:
            return await self._load(tenant, summary_id, missed)

        # Without a fence two of them may have missed different states: then one's own write is in between.
        flight = self._flights.fetch(f"{missed.key} {missed.fence}", load) if missed.fence else load()
        found = await flight
        return found if found and may_read(principal, found.document) else None

    async def _load(self, tenant: Tenant, summary_id: UUID, missed: Miss) -> Cold | None:
        values = {"organization_id": tenant.organization_id, "summary_id": summary_id}
        for row in await self._database.read(tenant, ONE, values):
            found = Cold(document_of(row), is_kept=not row.ephemeral)
            if found.is_kept:
                await self._cache.put(missed, found.document)
            return found
        return None

    async def page(
        self, principal: Principal, filters: Filters, keyset: Keyset, request: PageRequest
    ) -> PageOfRows[bytes]:
        """In the order of time, without words, each rendered. Raises InvalidCursorError."""
        tenant = tenant_of(principal)
        pagination = Pagination(self._cursors, keyset, request, scope_of(principal, filters))
        position = pagination.position()
        shape = PageShape.of(filters, keyset, rows=request.limit + 1, is_behind=position is not None)
        values = page_values(filters, keyset, tenant, position)
        if position is None:
            # The first page is looked at again and again; the others are walked through, mostly once.
            page = pagination.page(await self._database.read(tenant, states_statement(shape), values))
            items = self._items.recall([row.state for row in page.items])
            if items is not None:
                return PageOfRows(items, page.next_cursor)
        # All of them, as one moment has them.
        page = pagination.page(await self._database.read(tenant, page_statement(shape), values))
        return PageOfRows([self._item(row) for row in page.items], page.next_cursor)

    def _item(self, row: Any) -> bytes:  # Any: a row of `page_statement`
        if known := self._items.recall([row.state]):
            return known[0]
        item = item_of(Found(row))
        self._items.keep(row.state, item)
        return item


def tenant_of(principal: Principal) -> Tenant:
    return Tenant(organization_id=principal.organization_id, user_id=principal.user_id)


def scope_of(principal: Principal, filters: Filters) -> Mapping[str, object]:
    """Of a cursor: whose list it is, and what narrows it."""
    narrowed = {name: getattr(filters, name) for name in NARROWING}
    return {**narrowed, "organization_id": principal.organization_id, "viewer": principal.user_id}
