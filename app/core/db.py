"""The database: one engine a process, one transaction a request, one tenant a transaction.

The tenant travels in `session.info` and is told to PostgreSQL at every BEGIN (`set_config(…, true)`), so that
row-level security holds through PgBouncer in transaction mode and after a commit inside one session.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import (
    Connection,
    DateTime,
    Executable,
    MetaData,
    Select,
    Text,
    Uuid,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction
from sqlalchemy.pool import QueuePool

from app.core.db_direct import DirectStatements
from app.core.db_freshness import check_before_lending
from app.core.db_metrics import MeasuredPool, measure
from app.core.db_spans import trace_statements
from app.core.errors import ProblemError
from app.core.tracing import is_tracing
from app.settings import Settings

NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
UNIQUE_VIOLATION = "23505"
# What a cancelled request has left to be rolled back takes a few milliseconds.
LENT_SECONDS, LENT_POLL_SECONDS = 2.0, 0.005
TENANT_KEY = "tenant"
AFTER_COMMIT_KEY = "after_commit"
SET_TENANT = text(
    "SELECT set_config('app.organization_id', :tenant_organization, true),"
    " set_config('app.user_id', :tenant_user, true)"
)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy's own protocol for this attribute
        datetime: DateTime(timezone=True),
        str: Text(),
        UUID: Uuid(),
        list[str]: ARRAY(Text()),
        dict[str, Any]: JSONB(),  # Any: JSON
        list[dict[str, Any]]: JSONB(),  # Any: JSON
    }


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose rows a transaction may touch. Without a user, memberships of other tenants stay hidden too."""

    organization_id: UUID | None = None
    user_id: UUID | None = None


class TenantSession(Session):
    """A session whose every transaction begins by naming its tenant."""


@event.listens_for(TenantSession, "after_begin")
def _announce_tenant(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    tenant = session.info.get(TENANT_KEY)
    if tenant is not None:
        connection.execute(SET_TENANT, _tenant_parameters(tenant))


def _tenant_parameters(tenant: Tenant) -> dict[str, str]:
    return {
        "tenant_organization": str(tenant.organization_id or ""),
        "tenant_user": str(tenant.user_id or ""),
    }


async def bind_tenant(session: AsyncSession, tenant: Tenant) -> None:
    """Names the tenant for this session from here on, inside a running transaction too."""
    session.info[TENANT_KEY] = tenant
    if session.in_transaction():
        await session.execute(SET_TENANT, _tenant_parameters(tenant))


@contextmanager
def names_tenant_itself(session: AsyncSession) -> Iterator[dict[str, str]]:
    """Around a statement that sets the two settings itself, where it may begin the transaction.

    Their parameters are the session's tenant, whatever rows the statement writes.
    """
    tenant = session.info.pop(TENANT_KEY, None)
    try:
        yield _tenant_parameters(tenant or Tenant())
    finally:
        session.info[TENANT_KEY] = tenant


class Database:
    def __init__(self, engine: AsyncEngine, *, prepares: bool = False) -> None:
        """`prepares`: the driver keeps statements, as `connect_arguments` tell it to."""
        self.engine = engine
        self._direct = DirectStatements(engine, prepares=prepares)
        self._sessions = async_sessionmaker(engine, sync_session_class=TenantSession, expire_on_commit=False)

    @classmethod
    def from_settings(cls, settings: Settings, *, url: str | None = None) -> Self:
        """No connection is made before the first statement."""
        engine = create_async_engine(
            url or settings.database_url,
            # A failing statement is logged; what people wrote is not.
            hide_parameters=True,
            pool_size=settings.db_pool_size,
            max_overflow=settings.db_max_overflow,
            pool_timeout=settings.db_pool_timeout,
            pool_recycle=1800,
            poolclass=MeasuredPool,
            connect_args=connect_arguments(settings),
        )
        check_before_lending(engine)
        measure(engine)
        if is_tracing():
            trace_statements(engine)
        return cls(engine, prepares=settings.db_prepared_statements > 0)

    def open(self, tenant: Tenant | None = None) -> AsyncSession:
        """A session that the caller commits and closes."""
        info = {TENANT_KEY: tenant} if tenant else {}
        return self._sessions(info=info)

    @asynccontextmanager
    async def transaction(self, tenant: Tenant | None = None) -> AsyncIterator[AsyncSession]:
        """Commits on leaving, rolls back on any error except one that `commits`."""
        session = self.open(tenant)
        try:
            yield session
        except ProblemError as error:
            if error.commits:
                await _commit(session)
            raise
        else:
            await _commit(session)
        finally:
            await _leave(session)

    async def read(
        self,
        tenant: Tenant,
        statement: Select[*tuple[Any, ...]],  # Any: its columns
        values: Mapping[str, object],
    ) -> Sequence[Any]:  # Any: rows, with the statement's columns as attributes
        """What a statement of `under_tenant` finds: a transaction of its own, one round trip."""
        return await self._direct.run(statement, {**values, **_tenant_parameters(tenant)})

    async def alone(self, statement: Executable, values: Mapping[str, object]) -> Sequence[Any]:  # Any: rows
        """What a statement answers that names its tenant itself, and is a transaction of its own.

        Both are compiled once for each statement, so it is built once; see db_direct.py.
        """
        return await self._direct.run(statement, values)

    async def ping(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def now(self) -> datetime:
        """By the server's clock, which all processes share."""
        async with self.engine.connect() as connection:
            now: datetime = (await connection.execute(select(func.now()))).scalar_one()
            return now

    async def revision(self) -> str | None:
        """The schema's revision, None where no migration ever ran."""
        async with self.engine.connect() as connection:
            known = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
            if known is None:
                return None
            revision: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return revision

    async def dispose(self) -> None:
        """Connections that are still lent are waited for: one that comes home later is closed by nobody."""
        deadline = time.monotonic() + LENT_SECONDS
        try:
            while self._lent() and time.monotonic() < deadline:  # noqa: ASYNC110  # the pool tells nobody
                await asyncio.sleep(LENT_POLL_SECONDS)
        finally:
            await self.engine.dispose()

    def _lent(self) -> int:
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0


@asynccontextmanager
async def own_transaction(settings: Settings) -> AsyncIterator[AsyncSession]:
    """Of a command that does no more: one transaction, on a database that is closed with it."""
    database = Database.from_settings(settings)
    try:
        async with database.transaction() as session:
            yield session
    finally:
        await database.dispose()


def after_commit(session: AsyncSession, action: Callable[[], Awaitable[None]]) -> None:
    """What other stores are told once the transaction holds, never before; not run on a rollback."""
    session.info.setdefault(AFTER_COMMIT_KEY, []).append(action)


async def _commit(session: AsyncSession) -> None:
    """One that nothing was asked of has nothing to commit, and no connection to give back."""
    if session.in_transaction():
        await session.commit()
    for action in session.info.pop(AFTER_COMMIT_KEY, []):
        await action()


async def _leave(session: AsyncSession) -> None:
    """Closing it is a task and a greenlet of its own, for nothing where no connection is held."""
    if session.in_transaction():
        # Though the request is cancelled: its connection is somebody else's next.
        await asyncio.shield(session.close())
    else:
        session.expunge_all()


def connect_arguments(settings: Settings) -> dict[str, Any]:  # Any: asyncpg's keyword arguments
    """Unnamed statements unless told: behind PgBouncer the next transaction may be on another server.

    With no cache of its own asyncpg names none, and each is parsed at every call, whatever SQLAlchemy keeps.
    """
    timeout_milliseconds = int(settings.db_statement_timeout_seconds * 1000)
    unnamed = {} if settings.db_prepared_statements else {"prepared_statement_name_func": lambda: ""}
    return {
        **unnamed,
        "timeout": settings.db_pool_timeout,
        "command_timeout": settings.db_statement_timeout_seconds + 1,
        "statement_cache_size": settings.db_prepared_statements,
        "prepared_statement_cache_size": settings.db_prepared_statements,
        "server_settings": {"statement_timeout": str(timeout_milliseconds), "application_name": "precis"},
    }


def violated_constraint(error: IntegrityError) -> str | None:
    """The constraint's name, by which a repository tells one conflict from another."""
    cause = getattr(error.orig, "__cause__", None)
    return getattr(cause, "constraint_name", None)


async def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def get_session(database: Annotated[Database, Depends(get_database)]) -> AsyncIterator[AsyncSession]:
    """For anonymous routes; routes with a principal use `guard.OwnSession`."""
    async with database.transaction() as session:
        yield session


# Function scope: the exit, and so the commit, runs before the response leaves.
AnonymousSession = Annotated[AsyncSession, Depends(get_session, scope="function")]
DatabaseDep = Annotated[Database, Depends(get_database)]
