"""Whether PostgreSQL keeps what a connection has prepared, or is told each statement anew."""

import pytest
from sqlalchemy import text

from app.core.db import Database
from app.settings import Settings

pytestmark = pytest.mark.integration
KEPT = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%AS \"asked for\"'")
ASKED = text('SELECT CAST(:number AS integer) AS "asked for"')


@pytest.mark.parametrize(("kept", "found"), [(0, 0), (10, 1)])
async def test_statements_stay_prepared_only_where_that_was_asked_for(
    settings: Settings, kept: int, found: int
) -> None:
    """Unnamed they would be parsed and planned at every call, whatever the client remembers of them."""
    database = Database.from_settings(settings.model_copy(update={"db_prepared_statements": kept}))
    async with database.transaction() as session:
        for number in range(3):
            await session.execute(ASKED, {"number": number})
        assert await session.scalar(KEPT) == found
    await database.dispose()
