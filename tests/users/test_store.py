"""Users in the database: conflicts by name, and the library's protocol."""

import pytest
from fastapi import FastAPI
from fastapi_users.exceptions import InvalidResetPasswordToken, InvalidVerifyToken
from sqlalchemy.exc import IntegrityError

from app.accounts.errors import AccountGoneError
from app.accounts.service import AccountService
from app.core.ids import new_id
from app.settings import PasswordPolicy
from app.users.manager import UserManager
from app.users.store import UserStore
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration


async def test_a_migrated_database_has_no_account_of_anybody(database_urls: DatabaseUrls) -> None:
    assert await ask(database_urls.superuser, "SELECT username FROM users") == []


async def test_a_role_that_is_none_is_no_conflict_of_names(app: FastAPI, alice: Person) -> None:
    async with app.state.database.open() as session:
        store = UserStore(session)
        user = await store.get(alice.user_id)
        assert user is not None
        with pytest.raises(IntegrityError):
            await store.update(user, {"role": "emperor"})


async def test_an_account_that_is_gone_says_so(app: FastAPI) -> None:
    async with app.state.database.open() as session:
        manager = UserManager(UserStore(session), passwords=app.state.passwords, policy=PasswordPolicy.COMPAT)
        with pytest.raises(AccountGoneError):
            await AccountService(session, manager).get(new_id())


async def test_a_manager_without_tokens_takes_none(app: FastAPI, alice: Person) -> None:
    async with app.state.database.open() as session:
        store = UserStore(session)
        manager = UserManager(store, passwords=app.state.passwords, policy=PasswordPolicy.COMPAT)
        user = await store.get(alice.user_id)
        assert user is not None
        with pytest.raises(InvalidResetPasswordToken):
            await manager.reset_password(app.state.mail_tokens.for_reset(user), "Walnut-Bridge-42-rain")
        with pytest.raises(InvalidVerifyToken):
            await manager.verify(app.state.mail_tokens.for_verification(user))


async def test_a_deleted_user_is_found_no_more(app: FastAPI, alice: Person) -> None:
    async with app.state.database.transaction() as session:
        store = UserStore(session)
        user = await store.get_by_email("Alice@example.com")
        assert user is not None
        assert user.id == alice.user_id
        await store.delete(user)
        assert await store.get(alice.user_id) is None


async def test_only_a_super_admin_is_the_librarys_superuser(
    app: FastAPI, alice: Person, root: Person
) -> None:
    async with app.state.database.open() as session:
        users = [await UserStore(session).get(person.user_id) for person in (alice, root)]
    assert [user.is_superuser for user in users if user] == [False, True]
