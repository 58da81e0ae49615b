"""`precis audit verify`: reads the whole log, names every row that is not as it was written."""

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import PLATFORM, AuditKey, Checkpoint
from app.audit.findings import ChainCheck, Finding
from app.audit.store import SealStore
from app.core.db import Database
from app.settings import Settings

Logged = Mapping[UUID, Sequence[Checkpoint]]
# A page of the log is read in milliseconds, but telling which chains there are takes one look at all of it.
LONGEST_STATEMENT_SECONDS = 3600


class Verifier:
    """Of one snapshot: its session's transaction must be REPEATABLE READ where a sealer may be at work."""

    def __init__(self, session: AsyncSession, key: AuditKey, *, logged: Logged | None = None) -> None:
        self._store = SealStore(session)
        self._key = key
        self._logged = logged or {}
        self._opened: Counter[str] = Counter()
        self.chains = 0
        self.sealed = 0

    async def findings(self) -> AsyncIterator[Finding]:
        """Memory stays bounded by a page, the checkpoints of one chain and the number of chains."""
        chains = sorted({*await self._store.chains(), *self._logged})
        ends = await self._store.ends(chains)
        for chain in chains:
            checkpoints = await self._store.checkpoints(chain)
            check = ChainCheck(chain, self._key, checkpoints=checkpoints, logged=self._logged.get(chain, ()))
            async for row in self._store.sealed(chain):
                self.sealed += 1
                for finding in check.look_at(row.seal, row.fields):
                    yield finding
            for finding in check.end(ends[chain].head):
                yield finding
            self._opened.update(check.opened)
        self.chains = len(chains)
        async for finding in self._stray():
            yield finding
        for finding in self._missing_chains(chains):
            yield finding

    async def _stray(self) -> AsyncIterator[Finding]:
        async for place in self._store.places():
            if place.opens and place.queued:
                self._opened[str(place.opens)] += 1
            if not place.sealed and not place.queued:
                what = "is neither sealed nor waiting: its seal was removed, or it was inserted"
                yield Finding(place.chain, what, entry_id=place.entry_id)
            elif place.sealed and place.queued:
                yield Finding(place.chain, "is sealed, yet was set to wait again", entry_id=place.entry_id)
        for entry_id in await self._store.lost():
            yield Finding(PLATFORM, "waited for its seal and was removed", entry_id=entry_id)

    def _missing_chains(self, chains: Sequence[UUID]) -> Iterator[Finding]:
        """The platform's chain saw each other one begin, once."""
        for chain in chains:
            times = self._opened.pop(str(chain), 0)
            if chain != PLATFORM and times == 0:
                yield Finding(chain, "the platform's entry of this chain's beginning was removed")
            elif times > 1:
                yield Finding(chain, "the whole chain was removed and begun anew")
        for missing in self._opened:
            yield Finding(PLATFORM, f"the whole chain {missing} was removed")


async def verify_log(settings: Settings, tell: Callable[[str], None], *, log: Path | None = None) -> bool:
    """Tells one line a finding, then the counts. `log`: JSON lines of a worker's standard output."""
    patient = settings.model_copy(update={"db_statement_timeout_seconds": LONGEST_STATEMENT_SECONDS})
    database = Database.from_settings(patient, url=settings.worker_database_url)
    logged = read_checkpoints(log) if log else {}
    try:
        async with database.open() as session:
            _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return await _verify(session, AuditKey.from_settings(settings), tell, logged=logged)
    finally:
        await database.dispose()


async def _verify(
    session: AsyncSession, key: AuditKey, tell: Callable[[str], None], *, logged: Logged
) -> bool:
    verifier = Verifier(session, key, logged=logged)
    found = 0
    async for finding in verifier.findings():
        found += 1
        tell(str(finding))
    backlog = await SealStore(session).backlog()
    tell(f"{verifier.sealed} sealed entries in {verifier.chains} chains, {found} findings")
    age = f", the oldest for {backlog.oldest.total_seconds():.0f} s" if backlog.oldest else ""
    tell(f"{backlog.unsealed} entries wait for their seal{age}")
    return found == 0


def read_checkpoints(log: Path) -> Logged:
    """The lines that `sealing` announced; others, and what is no JSON, are passed over."""
    found: dict[UUID, list[Checkpoint]] = defaultdict(list)
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            point = _checkpoint(line) if "audit_checkpoint" in line else None
            if point is not None:
                found[point.chain].append(point)
    return found


def _checkpoint(line: str) -> Checkpoint | None:
    """None for a line that only speaks of one, or that a dying worker cut off."""
    try:
        values = json.loads(line)
    except ValueError:
        return None
    if not isinstance(values, dict) or values.get("event") != "audit_checkpoint":
        return None
    return Checkpoint(
        UUID(values["chain"]),
        values["seq"],
        values["previous"],
        bytes.fromhex(values["hash"]),
        bytes.fromhex(values["mac"]),
    )
