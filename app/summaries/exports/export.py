"""Any number of summaries as a stream, in the memory of one batch.

Each batch is a transaction of its own, closed before its text is handed on: a client that reads slowly holds
no connection, and no snapshot of an hour keeps PostgreSQL from cleaning up. So an export shows each summary
as it was when its turn came. None comes twice and none that stood there all the time is left out, as what it
is ordered by never changes; one that is deleted before its turn is missing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from app.audit.events import AuditAction
from app.core.db import Database, Tenant
from app.core.pagination import Keyset
from app.core.principal import Principal
from app.organizations.journal import note
from app.summaries.exports.formats import Format, format_of
from app.summaries.exports.repository import Batch, ExportRepository, Position
from app.summaries.exports.vocabulary import ExportFormat
from app.summaries.filters import Filters

ROWS_A_BATCH = 500


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. `draining`: a process that stops is given 30 s by its supervisor: short ones end in peace.

    `whole`: a million summaries take five minutes, and whoever reads them at a tenth of that speed still ends
    in time; whoever reads slower than that keeps a place that others need.
    """

    draining: float = 20.0
    whole: float = 3600.0


PATIENCE = Patience()


class CutOffError(ConnectionAbortedError):
    """Half an answer is out: only a broken connection tells the client. No fault of ours to be reported."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported, for whom, and in which order."""

    principal: Principal
    filters: Filters
    keyset: Keyset


class Exporter:
    def __init__(
        self,
        database: Database,
        wanted: Wanted,
        *,
        is_living: Callable[[], Awaitable[bool]],
        is_draining: Callable[[], bool],
        patience: Patience = PATIENCE,
        rows_a_batch: int = ROWS_A_BATCH,
    ) -> None:
        self._database = database
        self._wanted = wanted
        self._is_living = is_living
        self._is_draining = is_draining
        self._patience = patience
        self._rows_a_batch = rows_a_batch
        self._deadline = asyncio.get_running_loop().time() + patience.whole
        self._tenant = Tenant(wanted.principal.organization_id, wanted.principal.user_id)

    async def begin(self, wanted: ExportFormat, *, end_marker: bool) -> AsyncIterator[bytes]:
        """With the first batch read: what fails by then is answered as any other error is."""
        await self._note(wanted)
        stream = self._stream(format_of(wanted, end_marker=end_marker))
        return _again(await anext(stream), stream)

    async def _note(self, wanted: ExportFormat) -> None:
        """Before the first row leaves."""
        who = self._wanted.principal
        async with self._database.transaction(self._tenant) as session:
            await note(session, who, AuditAction.SUMMARIES_EXPORTED, details={"format": str(wanted)})

    async def _stream(self, form: Format) -> AsyncIterator[bytes]:
        """Raises CutOffError in the middle where it may not go on, and what PostgreSQL raises."""
        text, count = form.head(), 0
        behind: Position | None = None
        while True:
            batch = await self._batch(form, behind)
            text += form.rows(batch.rows, before=count)
            count += len(batch.rows)
            if batch.end is None:
                yield (text + form.tail(count=count)).encode()
                return
            yield text.encode()
            await self._refuse_to_outstay()
            text, behind = "", batch.end

    async def _batch(self, form: Format, behind: Position | None) -> Batch:
        wanted, who = self._wanted, self._wanted.principal
        async with self._database.transaction(self._tenant) as session:
            repository = ExportRepository(session, who.organization_id, viewer=who.user_id)
            return await repository.read(
                form.columns,
                wanted.filters,
                keyset=wanted.keyset,
                behind=behind,
                limit=self._rows_a_batch,
            )

    async def _refuse_to_outstay(self) -> None:
        """The guard asked once, and a client may read for very long."""
        now = asyncio.get_running_loop().time()
        if self._is_draining():
            self._deadline = min(self._deadline, now + self._patience.draining)
        if now >= self._deadline:
            raise CutOffError("an export was cut off: it took too long, or the process is told to stop")
        if not await self._is_living():
            raise CutOffError("an export was cut off: its credential or membership has ended")


async def _again(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
