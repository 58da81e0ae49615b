"""Giving a summary a public link, and taking it back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction
from app.auth.own_sessions.errors import ImpersonatedError
from app.core.db import Database, Tenant, bind_tenant
from app.core.principal import Principal
from app.core.secret_links import ShownLinks, digest, is_link_name, new_nonce
from app.organizations.journal import note
from app.summaries.errors import SummaryForbiddenError, SummaryNotFoundError
from app.summaries.repository import SummaryRepository
from app.summaries.sharing.errors import NotSharedError, SharedPageNotFoundError
from app.summaries.sharing.models import SummaryShare
from app.summaries.sharing.repository import SharedRow, ShareRepository, organization_of_share
from app.summaries.sharing.schemas import ShareIn


@dataclass(frozen=True, slots=True)
class Shared:
    """`name` is None where it can no longer be shown."""

    share: SummaryShare
    name: str | None
    is_new: bool = False

    @property
    def has_ended(self) -> bool:
        end = self.share.expires_at
        return end is not None and end <= datetime.now(UTC)


class SharingService:
    """As `principal`, inside the transaction of `session`."""

    def __init__(self, session: AsyncSession, principal: Principal, links: ShownLinks) -> None:
        self._session = session
        self._principal = principal
        self._links = links
        self._summaries = SummaryRepository(session, principal.organization_id)
        self._shares = ShareRepository(session, principal.organization_id)

    async def share(self, summary_id: UUID, wanted: ShareIn) -> Shared:
        """A link that leads there already stays, and ends when `wanted` says, where it says so.

        Raises SummaryNotFoundError (also of one that is not kept), SummaryForbiddenError, ImpersonatedError.
        """
        if self._principal.impersonator_id is not None:
            # A link outlives support's hour, and shows everybody what was opened to support alone.
            raise ImpersonatedError
        await self._hold(summary_id)
        found = await self._find(summary_id)
        if found is None or found.has_ended:
            return await self._begin(summary_id, wanted)
        return await self._move_end(found, wanted) if wanted.names_an_end else found

    async def read(self, summary_id: UUID) -> Shared:
        """By anybody who may read the summary. Raises SummaryNotFoundError, NotSharedError."""
        if await self._summaries.find(summary_id, viewer=self._principal.user_id) is None:
            raise SummaryNotFoundError
        found = await self._find(summary_id)
        if found is None:
            raise NotSharedError
        return found

    async def link(self, summary_id: UUID) -> str:
        """The name of a link that works. Raises as `read` does."""
        found = await self.read(summary_id)
        if found.has_ended or found.name is None:
            raise NotSharedError
        return found.name

    async def revoke(self, summary_id: UUID) -> None:
        """Raises SummaryNotFoundError, SummaryForbiddenError, NotSharedError."""
        await self._hold(summary_id)
        if not await self._shares.remove(summary_id):
            raise NotSharedError
        await self._note(AuditAction.SHARE_REVOKED, summary_id)

    async def _hold(self, summary_id: UUID) -> None:
        """So that of two who share it at once the second is shown the first one's link."""
        summary = await self._summaries.find_locked(summary_id, viewer=self._principal.user_id)
        if summary is None:
            raise SummaryNotFoundError
        if summary.user_id != self._principal.user_id and not self._principal.manages_organization:
            raise SummaryForbiddenError

    async def _find(self, summary_id: UUID) -> Shared | None:
        share = await self._shares.find(summary_id)
        return Shared(share, self._links.shown(share.nonce, stored=share.digest)) if share else None

    async def _begin(self, summary_id: UUID, wanted: ShareIn) -> Shared:
        nonce = new_nonce()
        name = self._links.name(nonce)
        share = await self._shares.put(summary_id, nonce=nonce, digest=digest(name), expires_at=wanted.end)
        await self._note(AuditAction.SHARE_CREATED, summary_id, end=share.expires_at)
        return Shared(share, name, is_new=True)

    async def _move_end(self, found: Shared, wanted: ShareIn) -> Shared:
        share = await self._shares.set_end(found.share.summary_id, wanted.end)
        await self._note(AuditAction.SHARE_CHANGED, share.summary_id, end=share.expires_at)
        return Shared(share, found.name)

    async def _note(self, action: AuditAction, summary_id: UUID, *, end: datetime | None = None) -> None:
        details = {"expires_at": end.isoformat(timespec="seconds")} if end else {}
        target = ("summary", summary_id)
        await note(self._session, self._principal, action, target=target, details=details)


@dataclass(frozen=True, slots=True)
class Found:
    organization_id: UUID
    row: SharedRow


async def open_link(database: Database, name: str) -> Found:
    """What a link leads to, for anybody. Raises SharedPageNotFoundError."""
    if not is_link_name(name):
        raise SharedPageNotFoundError
    async with database.transaction() as session:
        organization_id = await organization_of_share(session, digest(name))
        if organization_id is None:
            raise SharedPageNotFoundError
        await bind_tenant(session, Tenant(organization_id))
        row = await ShareRepository(session, organization_id).read(digest(name))
    if row is None:
        raise SharedPageNotFoundError
    return Found(organization_id, row)
