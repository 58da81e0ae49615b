"""fastapi-users' UserManager, with hashing in our executor instead of on the event loop, by passlib."""

from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi_users import BaseUserManager, UUIDIDMixin
from fastapi_users.db import BaseUserDatabase
from typing_extensions import override

from app.core.password_policy import check_policy
from app.core.passwords import Passwords
from app.settings import PasswordPolicy
from app.users.models import User


class UserManager(UUIDIDMixin, BaseUserManager[User, UUID]):  # type: ignore[type-var]  # as UserStore
    def __init__(
        self,
        store: BaseUserDatabase[User, UUID],  # type: ignore[type-var]  # as above
        *,
        passwords: Passwords,
        policy: PasswordPolicy,
    ) -> None:
        super().__init__(store)
        self._passwords = passwords
        self._policy = policy

    @override
    async def validate_password(self, password: str, user: Any) -> None:  # Any: a schema or a User
        check_policy(password, username=user.username, email=user.email, policy=self._policy)

    @override
    async def create(
        self,
        user_create: Any,  # Any: the library's type demands fields that we do not take
        safe: bool = True,  # the library's signature
        request: Request | None = None,
    ) -> User:
        """Raises WeakPasswordError, UsernameTakenError, EmailTakenError; never a privileged user."""
        del safe
        await self.validate_password(user_create.password, user_create)
        values = user_create.create_update_dict()
        values["hashed_password"] = await self._passwords.hash(values.pop("password"))
        user = await self.user_db.create(values)
        await self.on_after_register(user, request)
        return user

    async def change_profile(self, user: User, values: dict[str, Any]) -> User:  # Any: column values
        """A changed address must be verified anew. Passwords change elsewhere, with the current one."""
        if "email" in values and values["email"] != user.email:
            values = {**values, "is_verified": False}
        return await self.user_db.update(user, values)
