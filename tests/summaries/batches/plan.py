"""How much of its plan an organisation has used."""

from datetime import UTC, datetime

from fastapi import FastAPI
from sqlalchemy import text

from app.core.db import Tenant
from tests.factories import Person

SET_MONTH = text(
    "INSERT INTO usage_months VALUES (:organization_id, :month, :used)"
    " ON CONFLICT (organization_id, month) DO UPDATE SET summaries = :used"
)


async def set_used(app: FastAPI, person: Person, summaries: int) -> None:
    """As if so many had been made this month."""
    month = datetime.now(UTC).date().replace(day=1)
    values = {"organization_id": person.organization_id, "month": month, "used": summaries}
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(SET_MONTH, values)
