"""Ending sessions: in the caller's transaction, announced to every worker once it has committed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.store import OwnSessions
from app.core.db import TENANT_KEY, Tenant, after_commit, bind_tenant
from app.core.guard import InvalidCredentialError
from app.core.principal import Principal
from app.core.principal_cache import PrincipalCache, session_name
from app.users.queries import lock_person


async def end_all_sessions(
    session: AsyncSession, user_id: UUID, *, reason: str, cache: PrincipalCache
) -> list[UUID]:
    """Every session of this person, in every organisation, and those opened by them in others' names.

    Their access tokens die within two seconds.

    Whose transaction it is does not matter. The person is locked first, so a login or switch that runs
    meanwhile comes either before, and is ended, or after.
    """
    async with _bound_to(session, user_id):
        own = OwnSessions(session, user_id)
        await lock_person(session, user_id)
        ended = await own.end_all(reason=reason) + await own.end_impersonations()
    announce(session, ended, cache=cache)
    return ended


async def end_sessions(
    session: AsyncSession, user_id: UUID, session_ids: Sequence[UUID], *, reason: str, cache: PrincipalCache
) -> list[UUID]:
    """These of one person, those opened out of them by switching, and all opened in others' names."""
    async with _bound_to(session, user_id):
        own = OwnSessions(session, user_id)
        await lock_person(session, user_id)
        ended = await own.end(session_ids, reason=reason) + await own.end_impersonations()
    announce(session, ended, cache=cache)
    return ended


async def end_sessions_in(
    session: AsyncSession, user_id: UUID, organization_id: UUID, *, cache: PrincipalCache
) -> None:
    """Of one person whose membership there ends, before its row goes and takes these rows along.

    What was opened out of them would be cut off from its origin, and outlive the origin's end.
    """
    async with _bound_to(session, user_id):
        own = OwnSessions(session, user_id)
        await lock_person(session, user_id)
        ended = await own.end_in(organization_id, reason="membership_ended")
    announce(session, ended, cache=cache)


def announce(session: AsyncSession, ended: Sequence[UUID], *, cache: PrincipalCache) -> None:
    after_commit(session, partial(cache.forget, *map(session_name, ended)))


@asynccontextmanager
async def _bound_to(session: AsyncSession, user_id: UUID) -> AsyncIterator[None]:
    """Row-level security shows a person's sessions elsewhere to that person only, not to staff or admins."""
    before: Tenant = session.info.get(TENANT_KEY) or Tenant()
    if before.user_id == user_id:
        yield
        return
    await bind_tenant(session, Tenant(before.organization_id, user_id))
    yield
    await bind_tenant(session, before)


async def demand_living(session: AsyncSession, principal: Principal) -> None:
    """For what outlives the session that does it. The caller holds the person's row.

    Raises InvalidCredentialError: the principal may be remembered for a second after its session's end.
    """
    if await OwnSessions(session, principal.user_id).living(principal.credential_id) is None:
        raise InvalidCredentialError(internal="the session has ended")
