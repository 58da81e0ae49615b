"""The sealer's and the verifier's way into every tenant's log: the functions of migration 0012, no table."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Checkpoint, Entry, Fields, Head, Seal

PAGE = 2000
# Any number that no other lock of ours uses.
CLAIM = text("SELECT pg_try_advisory_xact_lock(7041778)")
BACKLOG = text("SELECT unsealed, oldest, now() AS now FROM audit_backlog()")
UNSEALED = text(
    "SELECT chain, entry_id, fields FROM unsealed_audit_entries(:at_most, CAST(:passing_over AS uuid[]))"
)
HEADS = text("SELECT * FROM audit_heads_of(CAST(:chains AS uuid[]))")
MOVED = text("SELECT chain FROM moved_audit_chains(:quiet)")
SEAL = text(
    "SELECT seal_audit_entries(CAST(:a AS uuid[]), CAST(:b AS bigint[]), CAST(:c AS uuid[]),"
    " CAST(:d AS bytea[]), CAST(:e AS bytea[]), CAST(:f AS bytea[]))"
)
MOVE_HEADS = text(
    "SELECT move_audit_heads(CAST(:a AS uuid[]), CAST(:b AS bigint[]), CAST(:c AS bytea[]),"
    " CAST(:d AS bigint[]), CAST(:e AS bytea[]))"
)
ADD_CHECKPOINTS = text(
    "SELECT add_audit_checkpoints(CAST(:a AS uuid[]), CAST(:b AS bigint[]), CAST(:c AS bigint[]),"
    " CAST(:d AS bytea[]), CAST(:e AS bytea[]))"
)
CHAINS = text("SELECT chain FROM audit_chains() ORDER BY chain")
SEALS = text("SELECT * FROM audit_seals_of(:chain, :after, :at_most)")
CHECKPOINTS = text("SELECT * FROM audit_checkpoints_of(:chain)")
ENTRIES = text("SELECT * FROM audit_entries_after(:last, :at_most)")
LOST = text("SELECT entry_id FROM lost_audit_entries() ORDER BY entry_id")
LOWEST_SEQ = -(2**63)
LOWEST_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Backlog:
    unsealed: int
    oldest: timedelta | None


@dataclass(frozen=True, slots=True)
class End:
    """Where a chain ends: by its head, and by its seals alone (`newest`, None without any)."""

    head: Head | None
    newest: int | None


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """`fields` None: the entry is gone."""

    seal: Seal
    fields: Fields | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands on its way to a seal; `opens`: the chain whose beginning it tells of."""

    chain: UUID
    entry_id: UUID
    sealed: bool
    queued: bool
    opens: UUID | None


class SealStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def claim(self) -> bool:
        """False while another worker seals; the claim ends with the transaction."""
        return bool(await self._session.scalar(CLAIM))

    async def backlog(self) -> Backlog:
        row = (await self._session.execute(BACKLOG)).one()
        oldest: datetime | None = row.oldest
        return Backlog(row.unsealed, row.now - oldest if oldest else None)

    async def unsealed(self, *, at_most: int, passing_over: Iterable[UUID] = ()) -> Sequence[Entry]:
        parameters = {"at_most": at_most, "passing_over": list(passing_over)}
        rows = await self._session.execute(UNSEALED, parameters)
        return [Entry(row.chain, row.entry_id, row.fields) for row in rows]

    async def ends(self, chains: Iterable[UUID]) -> dict[UUID, End]:
        rows = await self._session.execute(HEADS, {"chains": list(chains)})
        return {row.chain: End(_head(row), row.newest) for row in rows}

    async def moved_chains(self, *, quiet: timedelta) -> Sequence[UUID]:
        """Those that a checkpoint is due for: none while the newest of all is younger than `quiet`."""
        return list(await self._session.scalars(MOVED, {"quiet": quiet}))

    async def add_seals(self, seals: Sequence[Seal]) -> None:
        await self._session.execute(SEAL, _columns(seals))

    async def move_heads(self, heads: Sequence[Head]) -> None:
        await self._session.execute(MOVE_HEADS, _columns(heads))

    async def add_checkpoints(self, points: Sequence[Checkpoint]) -> None:
        await self._session.execute(ADD_CHECKPOINTS, _columns(points))

    async def chains(self) -> Sequence[UUID]:
        return list(await self._session.scalars(CHAINS))

    async def checkpoints(self, chain: UUID) -> Sequence[Checkpoint]:
        rows = await self._session.execute(CHECKPOINTS, {"chain": chain})
        return [Checkpoint(chain, row.seq, row.previous, row.hash, row.mac) for row in rows]

    async def sealed(self, chain: UUID) -> AsyncIterator[SealedEntry]:
        after = LOWEST_SEQ
        while True:
            parameters = {"chain": chain, "after": after, "at_most": PAGE}
            rows = (await self._session.execute(SEALS, parameters)).all()
            for row in rows:
                seal = Seal(chain, row.seq, row.entry_id, row.prev_hash, row.hash, row.mac)
                yield SealedEntry(seal, row.fields)
            if len(rows) < PAGE:
                return
            after = rows[-1].seq

    async def places(self) -> AsyncIterator[Place]:
        """Of every entry there is."""
        last = LOWEST_ID
        while True:
            rows = (await self._session.execute(ENTRIES, {"last": last, "at_most": PAGE})).all()
            for row in rows:
                yield Place(row.chain, row.entry_id, row.sealed, row.queued, row.opens)
            if len(rows) < PAGE:
                return
            last = rows[-1].entry_id

    async def lost(self) -> Sequence[UUID]:
        """Entries that waited to be sealed, and are gone."""
        return list(await self._session.scalars(LOST))


def _head(row: Any) -> Head | None:  # Any: a row
    return None if row.seq is None else Head(row.chain, row.seq, row.hash, row.checkpointed, row.mac)


def _columns(rows: Sequence[Seal] | Sequence[Head] | Sequence[Checkpoint]) -> dict[str, list[Any]]:
    """One array a column, in the order of the dataclass's fields. Any: column values."""
    names = [field.name for field in fields(rows[0])]
    return {
        letter: [getattr(row, name) for row in rows] for letter, name in zip("abcdef", names, strict=False)
    }
