"""Restoring what was thrown away, or erasing it before its time."""

from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction
from app.core.pagination import CursorCodec, PageOfRows, PageRequest, Pagination
from app.core.principal import Principal
from app.organizations.journal import note
from app.organizations.usage.service import count_summary
from app.summaries.models import Summary
from app.summaries.repository import SummaryRepository
from app.summaries.service import SummaryService, enqueue_summarising
from app.summaries.store import delete_trashed
from app.summaries.trash.errors import SummaryNotTrashedError
from app.summaries.trash.repository import LAST_DELETED_FIRST, Trash
from app.summaries.vocabulary import FINAL

# Texts hang on them: well within the statement timeout.
ERASED_AT_ONCE = 500


class TrashService:
    """Inside the transaction of `session`, which is also that of `summaries`."""

    def __init__(self, session: AsyncSession, principal: Principal, summaries: SummaryService) -> None:
        self._session = session
        self._principal = principal
        self._summaries = summaries
        self._trash = Trash(
            session,
            principal.organization_id,
            viewer=principal.user_id,
            is_manager=principal.manages_organization,
        )

    async def page(self, cursors: CursorCodec, request: PageRequest) -> PageOfRows[Summary]:
        who = self._principal
        whose = {"viewer": who.user_id, "is_manager": who.manages_organization}
        scope = {"organization_id": who.organization_id, **whose}
        return await self._trash.page(Pagination(cursors, LAST_DELETED_FIRST, request, scope))

    async def restore(self, summary_id: UUID) -> Summary:
        """What was not finished is worked on again, and counted again. Raises QuotaExceededError."""
        await self._trashed(summary_id)
        restored = await self._summaries.write(summary_id, {"deleted_at": None, "asked_at": func.now()})
        if restored.status not in FINAL:
            repository = SummaryRepository(self._session, self._principal.organization_id)
            await enqueue_summarising(self._session, summary_id, repository)
            # As with what was cancelled: the work that was done on it in vain was counted then.
            await count_summary(self._session, self._principal)
        return restored

    async def erase(self, summary_id: UUID) -> None:
        await self._trashed(summary_id)
        await delete_trashed(self._session, self._principal.organization_id, [summary_id])
        await self._note(1, target=("summary", summary_id))

    async def empty(self) -> tuple[int, bool]:
        """How many of my own are erased, the oldest first, and whether more are left."""
        ids = await self._trash.oldest_own(at_most=ERASED_AT_ONCE + 1)
        erased = await delete_trashed(self._session, self._principal.organization_id, ids[:ERASED_AT_ONCE])
        if erased:
            await self._note(erased)
        return erased, len(ids) > ERASED_AT_ONCE

    async def _trashed(self, summary_id: UUID) -> Summary:
        """Locked. Raises SummaryNotFoundError; SummaryNotTrashedError for what is still on the list."""
        found = await self._trash.find_locked(summary_id)
        if found is None:
            await self._summaries.changeable(summary_id, None)
            raise SummaryNotTrashedError
        return found

    async def _note(self, erased: int, *, target: tuple[str, UUID] | None = None) -> None:
        details = {"count": erased}
        await note(
            self._session, self._principal, AuditAction.SUMMARIES_ERASED, target=target, details=details
        )
