"""Entries of the audit log."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import AuditEntry

# Built once, and inline: nothing is read back, as who may write an entry of the platform's may not read it.
ADD_ENTRY = insert(AuditEntry.metadata.tables[AuditEntry.__tablename__]).inline()


async def add_entry(session: AsyncSession, values: dict[str, Any]) -> None:  # Any: column values
    await session.execute(ADD_ENTRY, values)
