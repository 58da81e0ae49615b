"""What the driver is asked without SQLAlchemy's cursor: failures, listeners and values are as with it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import ARRAY, Double, Executable, Numeric, Select, bindparam, event, literal, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.db import Database, violated_constraint
from app.core.db_direct import Direct
from app.settings import Settings
from tests.core.test_db_metrics import PID, value
from tests.factories import Person

pytestmark = pytest.mark.integration
JOIN_AGAIN = text("""
INSERT INTO memberships (organization_id, user_id, role) SELECT :organization, :user, 'viewer'
FROM (SELECT set_config('app.organization_id', :told, true)) tenant
""")
SLEEP = text("SELECT pg_sleep(5)")
TERMINATE_ITSELF = text("SELECT pg_terminate_backend(pg_backend_pid())")
ECHO: Select[*tuple[Any, ...]] = select(  # Any: a column of each type
    bindparam("id", uuid4(), literal_execute=False).label("id"),
    literal({"a": [1, None]}, JSONB()).label("options"),
    literal(["x", "y"], ARRAY(literal("x").type)).label("words"),
    literal(datetime(2026, 1, 2, tzinfo=UTC)).label("at"),
    literal(b"\x00").label("bytes"),
    literal(None).label("nothing"),
    literal(True).label("yes"),
    literal(0.5, Double()).label("half"),
)


@pytest.fixture(params=[0, 100], ids=["unnamed", "prepared"])
async def database(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Database]:
    told = settings.model_copy(
        update={"db_prepared_statements": request.param, "db_statement_timeout_seconds": 0.5}
    )
    database = Database.from_settings(told)
    yield database
    await database.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        select(literal(Decimal(1), Numeric())),
        select(literal(1).in_(bindparam("some", expanding=True))),
        text("SELECT 1 WHERE 1 IN :some").bindparams(bindparam("some", expanding=True)),
    ],
)
def test_what_only_sqlalchemy_can_send_or_read_is_refused(database: Database, statement: Executable) -> None:
    with pytest.raises(TypeError):
        Direct.of(statement, database.engine.dialect)


async def test_a_conflict_is_known_by_its_constraint_and_leaves_nothing(
    database: Database, alice: Person
) -> None:
    organization, user = alice.organization_id, alice.user_id
    told = {"organization": organization, "user": user, "told": str(organization)}
    with pytest.raises(IntegrityError) as caught:
        await database.alone(JOIN_AGAIN, told)
    assert violated_constraint(caught.value) == "pk_memberships"
    assert str(user) not in str(caught.value)
    assert (await database.alone(text("SELECT current_setting('app.organization_id', true)"), {}))[0][0] == ""


async def test_a_connection_that_is_lost_is_counted_and_replaced(database: Database) -> None:
    before = value("precis_db_failures_total", kind="lost")
    ((pid,),) = await database.alone(PID, {})
    with pytest.raises(DBAPIError) as caught:
        await database.alone(TERMINATE_ITSELF, {})
    assert caught.value.connection_invalidated
    assert value("precis_db_failures_total", kind="lost") == before + 1
    assert (await database.alone(PID, {}))[0][0] != pid


async def test_a_server_that_became_read_only_is_left(database: Database) -> None:
    before = value("precis_db_failures_total", kind="read_only")
    ((pid,),) = await database.alone(PID, {})
    await database.alone(text("SELECT set_config('default_transaction_read_only', 'on', false)"), {})
    with pytest.raises(DBAPIError) as caught:
        await database.alone(text("DELETE FROM summaries"), {})
    assert caught.value.connection_invalidated
    assert value("precis_db_failures_total", kind="read_only") == before + 1
    assert (await database.alone(PID, {}))[0][0] != pid


async def test_a_statement_that_takes_too_long_is_refused_and_its_connection_stays(
    database: Database,
) -> None:
    ((pid,),) = await database.alone(PID, {})
    with pytest.raises(DBAPIError) as caught:
        await database.alone(SLEEP, {})
    assert caught.value.orig is not None
    assert (caught.value.orig.sqlstate, caught.value.connection_invalidated) == ("57014", False)  # type: ignore[attr-defined]  # asyncpg's
    assert (await database.alone(PID, {}))[0][0] == pid


async def test_a_connection_whose_caller_was_cancelled_is_lost_and_nobodys_next(database: Database) -> None:
    before, lost = value("precis_db_connections_in_use"), value("precis_db_failures_total", kind="lost")
    ((pid,),) = await database.alone(PID, {})
    sleeping = asyncio.create_task(database.alone(SLEEP, {}))
    await asyncio.sleep(0.1)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert (await database.alone(PID, {}))[0][0] != pid
    assert value("precis_db_connections_in_use") == before
    assert value("precis_db_failures_total", kind="lost") == lost + 1


async def test_who_listens_to_sqlalchemy_hears_it_and_may_change_it(database: Database) -> None:
    heard: list[str] = []

    def change(_connection: Any, _cursor: Any, statement: str, arguments: Any, *_: Any) -> Any:
        return statement.replace("1", "2"), arguments

    def note(_connection: Any, _cursor: Any, statement: str, _arguments: Any, context: Any, *_: Any) -> None:
        heard.append(f"{context.dialect.name} {statement}")

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", change, retval=True)
    event.listen(engine, "after_cursor_execute", note)
    assert [tuple(row) for row in await database.alone(text("SELECT 1"), {})] == [(2,)]
    assert heard == ["postgresql SELECT 2"]


async def test_its_values_and_names_are_those_that_sqlalchemy_reads(database: Database) -> None:
    given = {"id": uuid4()}
    (direct,) = await database.alone(ECHO, given)
    async with database.transaction() as session:
        by_sqlalchemy = (await session.execute(ECHO, given)).one()
    assert tuple(direct) == tuple(by_sqlalchemy)
    assert {name: getattr(direct, name) for name in by_sqlalchemy._fields} == by_sqlalchemy._asdict()
    assert not hasattr(direct, "other")
