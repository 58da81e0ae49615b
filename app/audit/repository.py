"""Entries of the audit log."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import AuditEntry


async def add_entry(session: AsyncSession, values: dict[str, Any]) -> None:  # Any: column values
    """Nothing is read back: who may write an entry of the platform's may not read it."""
    await session.execute(insert(AuditEntry).values(values).inline())
