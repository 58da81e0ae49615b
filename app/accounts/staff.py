"""Platform staff are made by the command line only."""

from dataclasses import dataclass

from pydantic import ValidationError

from app.accounts.schemas import Registration
from app.accounts.service import AccountService
from app.core.db import own_transaction
from app.core.errors import FieldFault, ValidationFailedError
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


async def create_staff(settings: Settings, new: NewStaff, *, passwords: Passwords) -> User:
    """Raises what registration raises. The operator vouches for the address, so it counts as verified."""
    registration = _registration(new)
    async with own_transaction(settings) as session:
        store = UserStore(session)
        manager = UserManager(store, passwords=passwords, policy=settings.password_policy)
        user = await AccountService(session, manager).create(registration)
        return await store.update(user, {"role": new.role, "is_verified": True})


def _registration(new: NewStaff) -> Registration:
    try:
        return Registration(username=new.username, email=new.email, password=new.password)
    except ValidationError as error:
        faults = [FieldFault(f"/{item['loc'][0]}", item["type"], item["msg"]) for item in error.errors()]
        # Not `from error`: its text shows what was given, a password too.
        raise ValidationFailedError(faults=faults) from None
