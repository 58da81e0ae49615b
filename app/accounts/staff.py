"""Platform staff are made by the command line only."""

from dataclasses import dataclass

from app.accounts.schemas import Registration
from app.accounts.service import AccountService
from app.core.db import Database
from app.core.passwords import Passwords
from app.core.principal import StaffRole
from app.settings import Settings
from app.users.manager import UserManager
from app.users.models import User
from app.users.store import UserStore


@dataclass(frozen=True, slots=True)
class NewStaff:
    username: str
    email: str
    password: str
    role: StaffRole


async def create_staff(settings: Settings, new: NewStaff) -> User:
    """Raises what registration raises. The operator vouches for the address, so it counts as verified."""
    registration = Registration(username=new.username, email=new.email, password=new.password)
    database, passwords = Database.from_settings(settings), Passwords()
    try:
        async with database.transaction() as session:
            store = UserStore(session)
            manager = UserManager(store, passwords=passwords, policy=settings.password_policy)
            user = await AccountService(session, manager).register(registration)
            return await store.update(user, {"role": new.role, "is_verified": True})
    finally:
        await passwords.aclose()
        await database.dispose()
