"""fastapi-users' database protocol on our unit of work: it flushes, the request commits.

The library's own SQLAlchemy adapter commits inside create and update, so a user, their organisation and the
audit row could not be one transaction; and it turns a race of two registrations into a 500.
"""

from typing import Any
from uuid import UUID

from fastapi_users.db import BaseUserDatabase
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from app.core.db import violated_constraint
from app.core.errors import ProblemError
from app.users.errors import EmailTakenError, UsernameTakenError
from app.users.models import User

CONFLICTS: dict[str | None, type[ProblemError]] = {
    "uq_users_username": UsernameTakenError,
    "uq_users_email": EmailTakenError,
}


class UserStore(BaseUserDatabase[User, UUID]):  # type: ignore[type-var]  # to mypy a column is its descriptor
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @override
    async def get(self, id: UUID) -> User | None:
        return await self._session.get(User, id)

    @override
    async def get_by_email(self, email: str) -> User | None:
        """Held until the transaction ends: the library verifies what it finds here.

        An address that is changed meanwhile is waited for, and then finds nobody. Unheld, the new address
        would inherit the proof of the old one.
        """
        query = select(User).where(User.email == email.lower()).with_for_update()
        return await self._session.scalar(query.execution_options(populate_existing=True))

    async def id_of(self, email: str) -> UUID | None:
        """The index alone answers, so that an unknown address takes as long as a known one."""
        return await self._session.scalar(select(User.id).where(User.email == email.lower()))

    async def lock(self, user_id: UUID) -> User | None:
        """As the row is now, and held until the transaction ends."""
        return await self._session.get(User, user_id, with_for_update=True, populate_existing=True)

    @override
    async def create(self, create_dict: dict[str, Any]) -> User:  # Any: the library's protocol
        user = User(**create_dict)
        self._session.add(user)
        await self._flush(user)
        return user

    @override
    async def update(self, user: User, update_dict: dict[str, Any]) -> User:  # Any: the library's protocol
        for name, value in update_dict.items():
            setattr(user, name, value)
        await self._flush(user)
        return user

    async def record_login(self, user_id: UUID, *, replacement_hash: str | None) -> None:
        """The hash replaces an outdated one, after the password was seen to be right."""
        values: dict[str, Any] = {"last_login": func.now()}  # Any: column values
        if replacement_hash is not None:
            values["hashed_password"] = replacement_hash
        await self._session.execute(update(User).where(User.id == user_id).values(values))

    @override
    async def delete(self, user: User) -> None:
        await self._session.delete(user)
        await self._session.flush()

    async def _flush(self, user: User) -> None:
        try:
            await self._session.flush()
        except IntegrityError as error:
            conflict = CONFLICTS.get(violated_constraint(error))
            if conflict is None:
                raise
            raise conflict from error
        await self._session.refresh(user)
