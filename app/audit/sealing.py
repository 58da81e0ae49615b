"""Gives each entry its place in its organisation's chain, after the commit and off every request's path."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from app.audit.chain import NOTHING_BEFORE, PLATFORM, AuditKey, Checkpoint, Entry, Head, Seal
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.audit.store import End, SealStore
from app.core.db import Database

BATCH = 1000
CHECKPOINT_EVERY = timedelta(minutes=5)
UNSEALED = Gauge(
    "precis_audit_unsealed",
    "Entries of the audit log that wait for their seal.",
    multiprocess_mode="mostrecent",
)
SEALED = Counter("precis_audit_sealed", "Entries of the audit log that were sealed.")

log = structlog.get_logger(__name__)


class Sealer:
    """One worker's. That many may be at it at once is the claim's care: see `SealStore.claim`."""

    def __init__(
        self, database: Database, key: AuditKey, *, checkpoint_every: timedelta = CHECKPOINT_EVERY
    ) -> None:
        self._database = database
        self._key = key
        self._checkpoint_every = checkpoint_every
        # Somebody has been at these: adding to them would bless what they did. Until the process ends.
        self._broken: set[UUID] = set()

    async def round(self) -> int:
        """How many entries were sealed, in one transaction. BATCH: maybe more wait; 0 while another seals."""
        async with self._database.transaction() as session:
            store = SealStore(session)
            if not await store.claim():
                return 0
            entries = await store.unsealed(at_most=BATCH, passing_over=self._broken)
            ends = await self._sound_ends(store, {entry.chain for entry in entries})
            seals = list(self._seals(entries, ends))
            if seals:
                await store.add_seals(seals)
                await store.move_heads(list(self._new_heads(seals, ends)))
            for chain, end in ends.items():
                if end.head is None and chain != PLATFORM:
                    # A chain that vanishes as a whole is missed by the platform's.
                    await record(session, _opened(chain))
            points = await self._add_checkpoints(store)
            UNSEALED.set((await store.backlog()).unsealed)
        _announce(points)
        SEALED.inc(len(seals))
        return len(seals)

    async def _sound_ends(self, store: SealStore, chains: set[UUID]) -> dict[UUID, End]:
        """Without those chains whose end is not what we signed."""
        ends = await store.ends(chains)
        broken = {chain for chain, end in ends.items() if not self._is_sound(end)}
        for chain in broken:
            log.error("audit_chain_broken", chain=str(chain), remedy="precis audit verify")
        self._broken |= broken
        return {chain: end for chain, end in ends.items() if chain not in broken}

    def _is_sound(self, end: End) -> bool:
        if end.head is None:
            return end.newest is None
        return end.head.seq == end.newest and self._key.signed_head(end.head)

    def _seals(self, entries: Sequence[Entry], ends: Mapping[UUID, End]) -> Iterator[Seal]:
        last = {chain: _last(end) for chain, end in ends.items()}
        for entry in entries:
            if entry.chain in last:
                seq, digest = last[entry.chain]
                seal = self._key.seal(entry, seq=seq + 1, after=digest)
                last[entry.chain] = (seal.seq, seal.hash)
                yield seal

    def _new_heads(self, seals: Sequence[Seal], ends: Mapping[UUID, End]) -> Iterator[Head]:
        newest = {seal.chain: seal for seal in seals}
        for chain, seal in newest.items():
            head = ends[chain].head
            checkpointed = head.checkpointed if head else 0
            yield self._key.head(chain, seq=seal.seq, digest=seal.hash, checkpointed=checkpointed)

    async def _add_checkpoints(self, store: SealStore) -> Sequence[Checkpoint]:
        """For each chain that moved since its last one."""
        moved = await store.moved_chains(quiet=self._checkpoint_every)
        ends = await self._sound_ends(store, set(moved) - self._broken)
        heads = [end.head for end in ends.values() if end.head]
        if not heads:
            return ()
        points = [
            self._key.checkpoint(head.chain, seq=head.seq, digest=head.hash, previous=head.checkpointed)
            for head in heads
        ]
        await store.add_checkpoints(points)
        await store.move_heads(
            [self._key.head(p.chain, seq=p.seq, digest=p.hash, checkpointed=p.seq) for p in points]
        )
        return points


def _last(end: End) -> tuple[int, bytes]:
    return (end.head.seq, end.head.hash) if end.head else (0, NOTHING_BEFORE)


def _opened(chain: UUID) -> AuditEvent:
    return AuditEvent(
        AuditAction.AUDIT_CHAIN_OPENED,
        organization_id=None,
        actor_kind="system",
        target=("organization", chain),
    )


def _announce(points: Sequence[Checkpoint]) -> None:
    """To where a database's superuser does not reach: `precis audit verify --log` compares."""
    for point in points:
        log.info(
            "audit_checkpoint",
            chain=str(point.chain),
            seq=point.seq,
            previous=point.previous,
            hash=point.hash.hex(),
            mac=point.mac.hex(),
        )
