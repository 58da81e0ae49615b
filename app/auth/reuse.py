"""A spent refresh token came back: two hold it, and nobody can tell which is the thief. Both are out."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.sessions import end_all_sessions, end_sessions
from app.core.principal_cache import PrincipalCache
from app.outbox.mails import Mail, queue_mail

REASON = "reuse"


@dataclass(frozen=True, slots=True)
class Replay:
    """Whose session it was; `address` is where the spent token came from this time."""

    session_id: UUID
    organization_id: UUID
    user_id: UUID
    address: str | None


async def end_replayed(
    session: AsyncSession, replay: Replay, *, revokes: Literal["session", "user"], cache: PrincipalCache
) -> None:
    """Told once: of two replays at the same moment the second finds nothing left to end."""
    if revokes == "user":
        ended = await end_all_sessions(session, replay.user_id, reason=REASON, cache=cache)
    else:
        which = [replay.session_id]
        ended = await end_sessions(session, replay.user_id, which, reason=REASON, cache=cache)
    if not ended:
        return
    event = AuditEvent(
        AuditAction.TOKEN_REUSE_DETECTED,
        organization_id=replay.organization_id,
        actor_kind="anonymous",
        credential_id=replay.session_id,
        subject_id=replay.user_id,
        target=("session", replay.session_id),
        address=replay.address,
        details={"sessions": len(ended)},
    )
    await record(session, event)
    await queue_mail(session, Mail.TOKEN_REUSED, user_id=replay.user_id, facts={"sessions": len(ended)})
