"""What other slices ask of a person's row."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.users.models import User


async def lock_person(session: AsyncSession, user_id: UUID) -> bool:
    """Whether the account is active. Until the transaction ends no other that asks gets past this.

    Of two that count and then make one, the second counts the first; ending all of somebody's sessions or
    keys and making one do not miss each other. Rows that refer to the person are written meanwhile.
    """
    query = select(User.is_active).where(User.id == user_id).with_for_update(key_share=True)
    return bool(await session.scalar(query))
