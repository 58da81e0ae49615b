"""Everything kept about a person, as a zip of NDJSON files and a manifest that says what is in it."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.archive import Archive
from app.accounts.queries import Pages, PersonQueries
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.core.principal import Principal


class ExportService:
    """The session is bound to the person and to the organisation that they are logged in to."""

    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal

    async def export(self, *, address: str | None) -> Archive:
        """A finished archive, which the caller closes."""
        # Before reading: so the export shows itself.
        await record(self._session, self._exported(address))
        archive = Archive()
        try:
            for name, pages in self._files().items():
                await archive.add(f"{name}.ndjson", pages)
            await archive.finish(generated_at=datetime.now(UTC))
        except BaseException:
            # A client that went away, too: the file must not stay behind.
            await archive.close()
            raise
        return archive

    def _files(self) -> dict[str, Pages]:
        queries = PersonQueries(self._session, self._principal.user_id)
        return {
            "profile": queries.profile(),
            "memberships": queries.memberships(),
            "sessions": queries.sessions(),
            "api_keys": queries.api_keys(),
            "second_factor": queries.second_factor(),
            "login_providers": queries.login_providers(),
            "summaries": queries.summaries(),
            "texts": queries.texts(),
            "versions": queries.versions(),
            "shares": queries.shares(),
            "feeds": queries.feeds(),
            "invitations": queries.invitations(),
            "usage": queries.usage(),
            "audit_entries": queries.audit_entries(),
        }

    def _exported(self, address: str | None) -> AuditEvent:
        return AuditEvent(
            AuditAction.ACCOUNT_EXPORTED,
            organization_id=self._principal.organization_id,
            actor_kind="user",
            actor_id=self._principal.user_id,
            credential_id=self._principal.credential_id,
            subject_id=self._principal.user_id,
            address=address,
        )
