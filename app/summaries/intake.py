"""Taking a summary in: committed first, then, where the client prefers, waited for."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.core.db import Database, Tenant
from app.core.principal import Principal
from app.summaries.models import Summary
from app.summaries.schemas import SummaryDraft
from app.summaries.service import SummaryService, Surroundings
from app.summaries.vocabulary import FINAL
from app.summaries.waiting import wait_until


class Intake:
    """Opens its own short transactions: a request that waits must not hold a connection meanwhile."""

    def __init__(
        self,
        database: Database,
        principal: Principal,
        *,
        surroundings: Surroundings,
        is_draining: Callable[[], bool],
    ) -> None:
        self._database = database
        self._principal = principal
        self._surroundings = surroundings
        self._is_draining = is_draining

    async def submit(self, draft: SummaryDraft, *, wait_seconds: int) -> Summary:
        """The summary as it stands when it is finished or the wait is over."""
        async with self._transaction() as service:
            summary = await service.create(draft)
        return await self._finished(summary, wait_seconds) if wait_seconds else summary

    async def _finished(self, summary: Summary, wait_seconds: int) -> Summary:
        latest = summary

        async def is_done() -> bool:
            nonlocal latest
            async with self._transaction() as service:
                latest = await service.get(summary.id)
            return latest.status in FINAL

        await wait_until(is_done, seconds=wait_seconds, is_draining=self._is_draining)
        return latest

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[SummaryService]:
        who = self._principal
        tenant = Tenant(organization_id=who.organization_id, user_id=who.user_id)
        async with self._database.transaction(tenant) as session:
            yield SummaryService(session, who, self._surroundings)
