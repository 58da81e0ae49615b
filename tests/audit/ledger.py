"""A small audit log that went through the real sealer: two organisations and the platform."""

from io import StringIO
from uuid import UUID

from fastapi import FastAPI

from app.audit.chain import AuditKey
from app.audit.events import AuditAction, AuditEvent
from app.audit.sealing import Sealer
from app.audit.service import record
from app.core.db import Database, Tenant
from app.core.ids import new_id
from app.core.logging import configure_logging
from tests.factories import Person


def key_of(app: FastAPI) -> AuditKey:
    return AuditKey.from_settings(app.state.settings)


def sealer_of(app: FastAPI) -> Sealer:
    return Sealer(app.state.database, key_of(app))


def logout(organization_id: UUID | None, *, number: int = 0) -> AuditEvent:
    return AuditEvent(
        AuditAction.LOGOUT,
        organization_id=organization_id,
        actor_kind="user",
        actor_id=new_id(),
        credential_id=new_id(),
        target=("session", new_id()),
        address="192.0.2.7",
        details={"number": number, "name": 'Zoë \u2028 "quoted"', "nothing": None},
    )


async def write(app: FastAPI, organization_id: UUID | None, *, count: int = 1) -> None:
    database: Database = app.state.database
    for number in range(count):
        async with database.transaction(Tenant(organization_id)) as session:
            await record(session, logout(organization_id, number=number))


async def fill(app: FastAPI, *people: Person, rounds: int = 3, each: int = 2) -> None:
    """Sealed: each person's chain and the platform's, with a checkpoint after the first round."""
    sealer = sealer_of(app)
    for _ in range(rounds):
        for organization_id in (*(person.organization_id for person in people), None):
            await write(app, organization_id, count=each)
        await sealer.round()
    # Now the entries that tell of the chains' beginnings are sealed too.
    await sealer.round()


async def logged_checkpoints(app: FastAPI, *people: Person) -> str:
    """What a worker that fills the log writes to its standard output, in production's form."""
    stream = StringIO()
    production = app.state.settings.model_copy(update={"log_format": "json", "log_level": "INFO"})
    configure_logging(production, stream)
    await fill(app, *people, rounds=1)
    configure_logging(app.state.settings)
    return stream.getvalue()
