"""One person as staff see them: read as that person, as row-level security shows theirs to nobody else."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.errors import UserNotFoundError
from app.admin.queries import People
from app.admin.schemas import PersonOut, PlaceOut
from app.api_keys.repository import count_keys_of_user
from app.core.db import Tenant, bind_tenant
from app.users.schemas import UserOut


async def describe(session: AsyncSession, user_id: UUID) -> PersonOut:
    """Raises UserNotFoundError."""
    people = People(session)
    user = await people.get(user_id)
    if user is None:
        raise UserNotFoundError
    await bind_tenant(session, Tenant(user_id=user_id))
    return PersonOut(
        **UserOut.model_validate(user).model_dump(),
        is_locked=await people.is_locked(user_id),
        erase_after=await people.erase_after(user_id),
        sessions=await people.count_sessions(user_id),
        api_keys=await count_keys_of_user(session, user_id),
        memberships=[PlaceOut.model_validate(place) for place in await people.memberships(user_id)],
    )
