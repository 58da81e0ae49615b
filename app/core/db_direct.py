"""Statements that are transactions of their own, sent by the driver itself.

SQLAlchemy compiles each of them once, lends the connection, tells its listeners and judges what goes wrong.
Its cursor, result and rows are left out: they cost five times what the driver takes for the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NoReturn, Self, cast
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Boolean,
    Connection,
    DateTime,
    Dialect,
    Double,
    Executable,
    Integer,
    LargeBinary,
    String,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType, TypeEngine
from sqlalchemy.util import await_only, greenlet_spawn

# Of these the driver gives what SQLAlchemy would make of it; any other is its own work.
NATIVE = frozenset(
    {BigInteger, Boolean, DateTime, Double, Integer, JSONB, LargeBinary, NullType, String, Text, Uuid},
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of $1, $2, …: told by its name, else what the statement was built with."""

    name: str
    built_in: object
    process: Callable[[Any], Any] | None  # Any: of the parameter's type

    @classmethod
    def of(cls, bound: BindParameter[Any], dialect: Dialect) -> Self:  # Any: as above
        process = bound.type.dialect_impl(dialect).bind_processor(dialect)
        return cls(bound.key, bound.effective_value, process)

    def value(self, values: Mapping[str, object]) -> object:
        value = values.get(self.name, self.built_in)
        return value if self.process is None else self.process(value)


@dataclass(frozen=True, slots=True)
class Direct:
    """A statement as the driver is given it; its rows are records with the columns as attributes too."""

    text: str
    parameters: Sequence[Parameter]
    row: type[asyncpg.Record]

    @classmethod
    def of(cls, statement: Executable, dialect: Dialect) -> Self:
        """Raises TypeError for what only SQLAlchemy itself can send or read."""
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # all that can be executed
        if not isinstance(compiled, SQLCompiler) or compiled.post_compile_params:
            raise TypeError("what is asked directly is of one text, whatever its values")
        parameters = [Parameter.of(compiled.binds[name], dialect) for name in compiled.positiontup or ()]
        return cls(compiled.string, parameters, _row_of(statement))

    def arguments(self, values: Mapping[str, object]) -> tuple[object, ...]:
        return tuple([parameter.value(values) for parameter in self.parameters])


class Execution:
    """What listeners tell one execution from another by: of SQLAlchemy's context what they ask of it."""

    executemany = False

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def handle_dbapi_exception(self, error: BaseException) -> None:
        """Nothing of SQLAlchemy's is out of date: the driver keeps its statements, and renews them."""


class DirectStatements:
    def __init__(self, engine: AsyncEngine, *, prepares: bool) -> None:
        """`prepares`: the driver keeps statements, so that one is one round trip."""
        self._engine = engine.sync_engine
        self._prepares = prepares
        self._known: WeakKeyDictionary[Executable, Direct] = WeakKeyDictionary()

    async def run(self, statement: Executable, values: Mapping[str, object]) -> Sequence[Any]:  # Any: rows
        """Its rows, committed. Whoever builds the statement anew each time has it compiled each time."""
        # One greenlet for lending, asking and taking back.
        return await greenlet_spawn(self._run, statement, values)

    def _run(self, statement: Executable, values: Mapping[str, object]) -> Sequence[Any]:  # Any: as above
        with self._engine.connect() as connection:
            direct = self._known.get(statement)
            if direct is None:
                direct = self._known[statement] = Direct.of(statement, connection.dialect)
            text, arguments, execution = direct.text, direct.arguments(values), Execution(connection.dialect)
            for listener in connection.dispatch.before_cursor_execute:
                text, arguments = listener(connection, None, text, arguments, execution, False)
            try:
                rows = await_only(self._fetch(connection, text, arguments, direct.row))
            except BaseException as error:  # noqa: BLE001  # it is raised again, as SQLAlchemy's own
                _fail(connection, text, error, execution)
            for listener in connection.dispatch.after_cursor_execute:
                listener(connection, None, text, arguments, execution, False)
            return rows

    async def _fetch(
        self, connection: Connection, text: str, arguments: Sequence[object], row: type[asyncpg.Record]
    ) -> Sequence[Any]:  # Any: as above
        driver: Any = connection.connection.driver_connection  # Any: asyncpg ships no types
        rows: Sequence[Any]
        if self._prepares:
            rows = await driver.fetch(text, *arguments, record_class=row)
        else:
            # Unnamed it is two batches, which a pooler hands to two servers if nothing holds them together.
            async with driver.transaction():
                rows = await driver.fetch(text, *arguments, record_class=row)
        return rows


def _row_of(statement: Executable) -> type[asyncpg.Record]:
    """Properties, for a record's own `row["name"]` looks the name up: half of what reading a row costs."""
    columns = getattr(statement, "exported_columns", {})
    for key, column in columns.items():
        if not _is_native(column.type):
            raise TypeError(f"{key} is a {column.type!r}, which the driver does not read as SQLAlchemy does")
    attributes = {key: property(itemgetter(index)) for index, key in enumerate(columns.keys())}
    return type("DirectRow", (asyncpg.Record,), {"__slots__": (), **attributes})


def _is_native(kind: TypeEngine[Any]) -> bool:  # Any: of whatever it holds
    return _is_native(kind.item_type) if isinstance(kind, ARRAY) else type(kind) in NATIVE


def _fail(connection: Connection, text: str, error: BaseException, execution: Execution) -> NoReturn:
    """As a failed statement of SQLAlchemy's: its exception, its listeners, and a lost connection given up.

    One that was cancelled half-way is lost too: what is still to come over it answers nobody.
    """
    adapted = cast("AsyncAdapt_asyncpg_connection", connection.connection.dbapi_connection)
    try:
        adapted._handle_exception(cast("Exception", error))  # noqa: SLF001  # it raises the DB-API's class for it
    except BaseException as translated:  # noqa: BLE001  # as above
        connection._handle_dbapi_exception(translated, text, None, None, execution)  # type: ignore[arg-type]  # noqa: SLF001  # all of a context that it asks for
