"""What an organisation's audit log says, read as its tenant."""

from fastapi import FastAPI
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.core.db import Tenant
from tests.factories import Person


async def audited(app: FastAPI, person: Person) -> list[str]:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
