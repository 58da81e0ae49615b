"""fastapi-users' UserManager, with hashing in our executor instead of on the event loop, by passlib."""

import secrets
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi_users import BaseUserManager, UUIDIDMixin
from fastapi_users.exceptions import InvalidResetPasswordToken
from typing_extensions import override

from app.core.password_policy import check_policy
from app.core.passwords import Passwords
from app.settings import PasswordPolicy
from app.users.mail_tokens import LIFETIME_SECONDS, InvalidResetTokenError, MailTokens
from app.users.models import User
from app.users.store import UserStore


class UserManager(UUIDIDMixin, BaseUserManager[User, UUID]):  # type: ignore[type-var]  # as UserStore
    """Without `tokens` it takes none: those of a secret that nobody else knows."""

    reset_password_token_lifetime_seconds = LIFETIME_SECONDS
    verification_token_lifetime_seconds = LIFETIME_SECONDS

    def __init__(
        self,
        store: UserStore,
        *,
        passwords: Passwords,
        policy: PasswordPolicy,
        tokens: MailTokens | None = None,
    ) -> None:
        super().__init__(store)
        self.store = store
        self._passwords = passwords
        self._policy = policy
        self._tokens = tokens or MailTokens.from_secret(secrets.token_hex())
        self.reset_password_token_secret = self._tokens.reset_secret
        self.verification_token_secret = self._tokens.verification_secret

    @override
    async def validate_password(self, password: str, user: Any) -> None:  # Any: a schema or a User
        self._check(password, user, pointer="/password")

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

    @override
    async def reset_password(self, token: str, password: str, request: Request | None = None) -> User:
        """Raises InvalidResetPasswordToken, WeakPasswordError; a token outlives a weak password.

        Two that come with one token at once wait for the row, and the second finds the password changed.
        """
        try:
            claim = self._tokens.read_reset(token)
        except InvalidResetTokenError as error:
            raise InvalidResetPasswordToken from error
        user = await self.store.lock(claim.user_id)
        if user is None or not user.is_active or not self._tokens.still_holds(claim, user):
            raise InvalidResetPasswordToken
        self._check(password, user, pointer="/new_password")
        updated = await self.store.update(user, {"hashed_password": await self._passwords.hash(password)})
        await self.on_after_reset_password(updated, request)
        return updated

    async def change_profile(self, user: User, values: dict[str, Any]) -> User:  # Any: column values
        """A changed address must be verified anew. Passwords change elsewhere, with the current one."""
        if "email" in values and values["email"] != user.email:
            values = {**values, "is_verified": False}
        return await self.user_db.update(user, values)

    def _check(self, password: str, user: Any, *, pointer: str) -> None:  # Any: as validate_password
        check_policy(password, username=user.username, email=user.email, policy=self._policy, pointer=pointer)
