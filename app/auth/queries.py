"""Whose a session is, told by nothing but its id, which only a genuine token of it names."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.models import AuthSession
from app.auth.repository import bind_session
from app.core.db import Tenant, bind_tenant
from app.users.models import User


@dataclass(frozen=True, slots=True)
class SessionOwner:
    session_id: UUID
    organization_id: UUID
    user_id: UUID
    username: str


async def bind_owner(session: AsyncSession, session_id: UUID) -> SessionOwner | None:
    """The transaction is theirs from here on; None for a session that never was, or is deleted by now."""
    organization_id = await bind_session(session, session_id)
    query = (
        select(AuthSession.organization_id, User.id, User.username)
        .join(AuthSession, AuthSession.user_id == User.id)
        .where(AuthSession.organization_id == organization_id, AuthSession.id == session_id)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    await bind_tenant(session, Tenant(row.organization_id, row.id))
    return SessionOwner(session_id, row.organization_id, row.id, row.username)
