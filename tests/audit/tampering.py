"""What a superuser of the database may do to the log without the key, its triggers off: any kind by chance.

Each kind says which rows it touched; `precis audit verify` has to name one of them.
"""
# ruff: noqa: S608  # the names in these statements are our own

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import PLATFORM
from app.audit.findings import Finding
from app.core.ids import new_id

TRIGGERS_OFF = "SET LOCAL session_replication_role = replica"
SEALS = "SELECT organization_id AS chain, seq, entry_id FROM audit_seals ORDER BY organization_id, seq"
CHANGES = {
    "action": "'login_success'",
    "actor_kind": "actor_kind || 'x'",
    "actor_id": "gen_random_uuid()",
    "credential_id": "gen_random_uuid()",
    "subject_id": "gen_random_uuid()",
    "target_kind": "coalesce(target_kind, '') || 'x'",
    "target_id": "gen_random_uuid()",
    "address": "'198.51.100.9'",
    "request_id": "''",
    "details": 'details || \'{"number": "0"}\'',
    "created_at": "created_at + interval '1 microsecond'",
    "organization_id": "gen_random_uuid()",
}
INSERT_ENTRY = (
    "INSERT INTO audit_entries (id, organization_id, action, actor_kind, details)"
    " VALUES (:id, nullif(:chain, CAST(:platform AS uuid)), 'logout', 'user', '{}')"
)
# A seal as good as it gets without the key: everything but the MAC is right, which is another row's.
INSERT_SEAL = (
    "INSERT INTO audit_seals SELECT organization_id, seq + 1, :id, hash, sha256(hash), mac FROM audit_seals"
    " WHERE organization_id = :chain AND seq = :seq"
)


@dataclass(frozen=True, slots=True)
class Row:
    chain: UUID
    seq: int
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class Touched:
    """`seqs` and `entries`: a finding names one of them; both empty: the chain is enough."""

    kind: str
    chain: UUID
    seqs: frozenset[int] = field(default_factory=frozenset)
    entries: frozenset[UUID] = field(default_factory=frozenset)

    def named_by(self, findings: Sequence[Finding]) -> bool:
        return any(self._is_named_by(finding) for finding in findings)

    def _is_named_by(self, finding: Finding) -> bool:
        if not self.seqs and not self.entries:
            return finding.chain == self.chain or str(self.chain) in finding.what
        return finding.seq in self.seqs or finding.entry_id in self.entries


Kind = Callable[[], Awaitable[Touched]]


class Forger:
    def __init__(self, session: AsyncSession, dice: random.Random) -> None:
        self._session = session
        self._dice = dice
        self._rows: Sequence[Row] = ()
        self.kinds: Sequence[Kind] = (
            self.change_an_entry,
            self.change_a_seal,
            self.remove_an_entry,
            self.remove_a_seal,
            self.remove_both,
            self.remove_the_newest,
            self.remove_the_newest_and_take_the_head_back,
            self.swap_two_entries,
            self.swap_two_seals,
            self.insert_an_entry,
            self.insert_a_sealed_entry,
            self.change_the_head,
            self.remove_a_checkpoint,
            self.change_a_checkpoint,
            self.remove_a_chain,
            self.remove_a_waiting_entry,
            self.forget_a_waiting_entry,
            self.let_a_sealed_entry_wait_again,
        )

    async def tamper(self) -> Touched:
        """With one kind, in the session's transaction."""
        await self._run(TRIGGERS_OFF)
        rows = await self._session.execute(text(SEALS))
        self._rows = [Row(row.chain, row.seq, row.entry_id) for row in rows]
        return await self._dice.choice(self.kinds)()

    async def change_an_entry(self) -> Touched:
        row, column = self._any_row(), self._dice.choice(list(CHANGES))
        await self._run(f"UPDATE audit_entries SET {column} = {CHANGES[column]} WHERE id = :entry", row)
        return self._touched(f"change {column}", row)

    async def change_a_seal(self) -> Touched:
        row, column = self._any_row(), self._dice.choice(["prev_hash", "hash", "mac", "seq", "entry_id"])
        value = {"seq": "seq + 1000", "entry_id": "gen_random_uuid()"}.get(column, f"sha256({column})")
        await self._run(f"UPDATE audit_seals SET {column} = {value} WHERE entry_id = :entry", row)
        return self._touched(f"change a seal's {column}", row, row.seq + 1000)

    async def remove_an_entry(self) -> Touched:
        row = self._any_row()
        await self._run("DELETE FROM audit_entries WHERE id = :entry", row)
        return self._touched("remove an entry", row)

    async def remove_a_seal(self) -> Touched:
        row = self._any_row()
        await self._run("DELETE FROM audit_seals WHERE entry_id = :entry", row)
        return self._touched("remove a seal", row)

    async def remove_both(self) -> Touched:
        row = self._any_row()
        await self._remove_from(row, row.seq)
        return self._touched("remove an entry and its seal", row)

    async def remove_the_newest(self) -> Touched:
        row = self._any_row()
        await self._remove_from(row, 2**62)
        return self._touched("remove the newest rows", row)

    async def remove_the_newest_and_take_the_head_back(self) -> Touched:
        row = self._dice.choice([row for row in self._rows if row.seq > 1])
        await self._remove_from(row, 2**62)
        await self._run(
            "UPDATE audit_heads h SET seq = s.seq, hash = s.hash, mac = s.mac FROM audit_seals s"
            " WHERE h.organization_id = :chain AND s.organization_id = :chain AND s.seq = :seq - 1",
            row,
        )
        return Touched("take the head back", row.chain)

    async def swap_two_entries(self) -> Touched:
        one, other = self._two_rows()
        await self._run("UPDATE audit_entries SET id = :id WHERE id = :entry", one, id=PLATFORM)
        await self._run("UPDATE audit_entries SET id = :id WHERE id = :entry", other, id=one.entry_id)
        await self._run("UPDATE audit_entries SET id = :entry WHERE id = :id", other, id=PLATFORM)
        return self._touched("swap two entries", one, other.seq)

    async def swap_two_seals(self) -> Touched:
        one, other = self._two_rows()
        moved = "UPDATE audit_seals SET seq = :to WHERE organization_id = :chain AND seq = :seq"
        await self._run(moved, one, to=-1)
        await self._run(moved, other, to=one.seq)
        await self._run(moved, Row(one.chain, -1, one.entry_id), to=other.seq)
        return self._touched("swap two seals", one, other.seq)

    async def insert_an_entry(self) -> Touched:
        row, added = self._any_row(), new_id()
        await self._run(INSERT_ENTRY, row, id=added, platform=PLATFORM)
        return Touched("insert an entry", row.chain, entries=frozenset({added}))

    async def insert_a_sealed_entry(self) -> Touched:
        row, added = self._last_of(self._any_row().chain), new_id()
        await self._run(INSERT_ENTRY, row, id=added, platform=PLATFORM)
        await self._run(INSERT_SEAL, row, id=added)
        return Touched("insert a sealed entry", row.chain, entries=frozenset({added}))

    async def change_the_head(self) -> Touched:
        row = self._any_row()
        change = self._dice.choice(
            [
                "DELETE FROM audit_heads WHERE organization_id = :chain",
                "UPDATE audit_heads SET checkpointed = 0 WHERE organization_id = :chain",
                "UPDATE audit_heads SET hash = sha256(hash) WHERE organization_id = :chain",
                "UPDATE audit_heads SET mac = sha256(mac) WHERE organization_id = :chain",
            ]
        )
        await self._run(change, row)
        return Touched("change the head", row.chain)

    async def remove_a_checkpoint(self) -> Touched:
        row = self._any_row()
        await self._run("DELETE FROM audit_checkpoints WHERE organization_id = :chain", row)
        return Touched("remove a checkpoint", row.chain)

    async def change_a_checkpoint(self) -> Touched:
        row, column = self._any_row(), self._dice.choice(["hash", "mac"])
        changed = f"UPDATE audit_checkpoints SET {column} = sha256({column}) WHERE organization_id = :chain"
        await self._run(changed, row)
        return Touched("change a checkpoint", row.chain)

    async def remove_a_chain(self) -> Touched:
        row = self._any_row()
        await self._remove_from(Row(row.chain, 1, row.entry_id), 2**62)
        for table in ("audit_heads", "audit_checkpoints"):
            await self._run(f"DELETE FROM {table} WHERE organization_id = :chain", row)
        if row.chain != PLATFORM:
            return Touched("remove a chain", row.chain)
        others = {other.chain for other in self._rows} - {PLATFORM}
        return Touched("remove the platform's chain", self._dice.choice(sorted(others)))

    async def remove_a_waiting_entry(self) -> Touched:
        waiting = await self._waiting()
        await self._run("DELETE FROM audit_entries WHERE id = :entry", waiting)
        return Touched("remove a waiting entry", PLATFORM, entries=frozenset({waiting.entry_id}))

    async def forget_a_waiting_entry(self) -> Touched:
        waiting = await self._waiting()
        await self._run("DELETE FROM audit_unsealed WHERE entry_id = :entry", waiting)
        return Touched("forget a waiting entry", PLATFORM, entries=frozenset({waiting.entry_id}))

    async def let_a_sealed_entry_wait_again(self) -> Touched:
        row = self._any_row()
        await self._run("INSERT INTO audit_unsealed VALUES (:entry)", row)
        return self._touched("let a sealed entry wait again", row)

    async def _waiting(self) -> Row:
        ids = await self._session.scalars(text("SELECT entry_id FROM audit_unsealed ORDER BY entry_id"))
        return Row(PLATFORM, 0, self._dice.choice(list(ids)))

    async def _remove_from(self, row: Row, up_to: int) -> None:
        """The entries and the seals of a stretch of its chain."""
        stretch = "organization_id = :chain AND seq BETWEEN :seq AND :up_to"
        entries = f"DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_seals WHERE {stretch})"
        await self._run(entries, row, up_to=up_to)
        await self._run(f"DELETE FROM audit_seals WHERE {stretch}", row, up_to=up_to)

    async def _run(self, statement: str, row: Row | None = None, **values: object) -> None:
        known = {"chain": row.chain, "seq": row.seq, "entry": row.entry_id} if row else {}
        needed = {name: value for name, value in {**known, **values}.items() if f":{name}" in statement}
        await self._session.execute(text(statement), needed)

    def _any_row(self) -> Row:
        return self._dice.choice(self._rows)

    def _two_rows(self) -> Sequence[Row]:
        chain = self._any_row().chain
        return self._dice.sample([row for row in self._rows if row.chain == chain], 2)

    def _last_of(self, chain: UUID) -> Row:
        return [row for row in self._rows if row.chain == chain][-1]

    def _touched(self, kind: str, row: Row, *seqs: int) -> Touched:
        return Touched(kind, row.chain, frozenset({row.seq, *seqs}), frozenset({row.entry_id}))
