"""The life of an account: registered with an organisation of its own, changed by its owner."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import AccountGoneError
from app.accounts.schemas import ProfileChange, Registration
from app.organizations.service import create_personal
from app.users.manager import UserManager
from app.users.models import User


class AccountService:
    def __init__(self, session: AsyncSession, manager: UserManager) -> None:
        self._session = session
        self._manager = manager

    async def register(self, registration: Registration) -> User:
        """Person, organisation and membership together or not at all.

        Raises WeakPasswordError, UsernameTakenError, EmailTakenError.
        """
        user = await self._manager.create(registration)
        await create_personal(self._session, owner_id=user.id, name=user.full_name or user.username)
        return user

    async def get(self, user_id: UUID) -> User:
        user = await self._manager.user_db.get(user_id)
        if user is None:
            raise AccountGoneError
        return user

    async def change(self, user_id: UUID, change: ProfileChange) -> User:
        """Raises EmailTakenError. A new address has to be verified anew."""
        user = await self.get(user_id)
        values = change.model_dump(exclude_unset=True)
        if values.get("email", "") is None:
            del values["email"]
        return await self._manager.change_profile(user, values)
