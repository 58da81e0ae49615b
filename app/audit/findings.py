"""What is wrong with one chain: its rows are looked at in order, then its end. No database."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from typing_extensions import override

from app.audit.chain import (
    ACTION_FIELD,
    NOTHING_BEFORE,
    PLATFORM,
    TARGET_FIELD,
    AuditKey,
    Checkpoint,
    Fields,
    Head,
    Seal,
    entry_hash,
)
from app.audit.events import AuditAction


@dataclass(frozen=True, slots=True)
class Finding:
    """`seq` and `entry_id` None: the rows that would tell are gone, or it concerns the chain as a whole."""

    chain: UUID
    what: str
    seq: int | None = None
    entry_id: UUID | None = None

    @override
    def __str__(self) -> str:
        chain = "the platform" if self.chain == PLATFORM else str(self.chain)
        seq = "" if self.seq is None else f" seq {self.seq}"
        entry = "" if self.entry_id is None else f" entry {self.entry_id}"
        return f"chain {chain}{seq}{entry}: {self.what}"


class ChainCheck:
    """`checkpoints` are the database's, `logged` those that a log kept outside of its reach."""

    def __init__(
        self,
        chain: UUID,
        key: AuditKey,
        *,
        checkpoints: Sequence[Checkpoint],
        logged: Iterable[Checkpoint] = (),
    ) -> None:
        self._chain = chain
        self._key = key
        self._checkpoints = checkpoints
        self._logged = list(logged)
        self._due: dict[int, set[bytes]] = defaultdict(set)
        for point in (*checkpoints, *self._logged):
            self._due[point.seq].add(point.hash)
        self._seq = 0
        self._hash = NOTHING_BEFORE
        # Of the platform's chain: the chains that it saw begin.
        self.opened: list[str] = []

    def look_at(self, seal: Seal, fields: Fields | None) -> Iterator[Finding]:
        """The chain's rows, in the order of `seq`."""
        if seal.seq < 1:
            yield self._finding(seal, "was inserted: no chain begins before 1")
            return
        yield from self._link(seal)
        yield from self._content(seal, fields)
        self._seq, self._hash = seal.seq, seal.hash

    def _link(self, seal: Seal) -> Iterator[Finding]:
        if seal.seq != self._seq + 1:
            yield self._gap(self._seq + 1, seal.seq - 1, "removed")
        elif seal.prev_hash != self._hash:
            yield self._finding(seal, "does not follow the row before it: changed or reordered")
        if not self._key.signed_seal(seal):
            yield self._finding(seal, "its seal is not ours: changed or inserted")
        if self._due.pop(seal.seq, {seal.hash}) != {seal.hash}:
            yield self._finding(seal, "is not what a checkpoint saw: history was rewritten")

    def _content(self, seal: Seal, fields: Fields | None) -> Iterator[Finding]:
        if fields is None:
            yield self._finding(seal, "the entry was removed")
            return
        if entry_hash(self._chain, seal.seq, fields, after=seal.prev_hash) != seal.hash:
            yield self._finding(seal, "the entry or its seal was changed")
        if self._chain == PLATFORM and fields[ACTION_FIELD] == AuditAction.AUDIT_CHAIN_OPENED:
            self.opened.append(str(fields[TARGET_FIELD]))

    def end(self, head: Head | None) -> Iterator[Finding]:
        """Once, after the last row."""
        yield from self._end_of_rows(head)
        yield from self._checkpoints_in_order(head)
        for point in self._logged:
            if not self._key.signed_checkpoint(point):
                yield Finding(self._chain, "the log's checkpoint is not ours", point.seq)
        for seq in sorted(self._due):
            yield Finding(self._chain, "a checkpoint saw this row, which was removed", seq)

    def _end_of_rows(self, head: Head | None) -> Iterator[Finding]:
        if head is None:
            yield Finding(self._chain, "the chain's head was removed")
        elif not self._key.signed_head(head):
            yield Finding(self._chain, "the chain's head was changed", head.seq)
        elif head.seq > self._seq:
            yield self._gap(self._seq + 1, head.seq, "removed from the end")
        elif head.seq < self._seq:
            yield self._gap(head.seq + 1, self._seq, "inserted at the end")
        elif head.hash != self._hash:
            yield Finding(self._chain, "the last row is not the one that the head names", head.seq)

    def _checkpoints_in_order(self, head: Head | None) -> Iterator[Finding]:
        before = 0
        for point in self._checkpoints:
            if not self._key.signed_checkpoint(point):
                yield Finding(self._chain, "this checkpoint is not ours: changed or inserted", point.seq)
            elif point.previous != before:
                yield Finding(self._chain, "a checkpoint before this one was removed", point.seq)
            before = point.seq
        if head and head.checkpointed != before:
            yield Finding(self._chain, "this checkpoint was removed", head.checkpointed)

    def _finding(self, seal: Seal, what: str) -> Finding:
        return Finding(self._chain, what, seal.seq, seal.entry_id)

    def _gap(self, first: int, last: int, what: str) -> Finding:
        rows = "this row was" if first == last else f"the rows up to {last} were"
        return Finding(self._chain, f"{rows} {what}", first)
