"""Kept answers: the table, and every statement on it.

Unique per organisation, principal, route and key. Of the key only its SHA-256 is kept, and the answer only
sealed with the key itself (see idempotency_seal.py): a copy of the database repeats nobody's secret.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TENANT_KEY, Base, Database, Tenant, bind_tenant, names_tenant_itself

LOCK_BYTES = 8
CLAIM = text(
    "SELECT is_locked, fingerprint, answer, kept_at"
    " FROM claim_key(:organization_id, :user_id, :principal_id, :route, :key_digest, :lock)"
)
DELETE_EXPIRED = text("SELECT delete_expired_idempotency_keys(:at_most)")
BATCH = 1_000
BATCHES_PER_ROUND = 20


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    principal_id: Mapped[UUID] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key_digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    fingerprint: Mapped[bytes]
    answer: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """`principal_id` is a person's id, or an API key's; `route` is the path.

    `fingerprint` is the body's; where the answer shows a secret, of the caller's scopes too.
    """

    organization_id: UUID
    user_id: UUID
    principal_id: UUID
    route: str
    key: str
    fingerprint: bytes

    @property
    def key_digest(self) -> bytes:
        return hashlib.sha256(self.key.encode()).digest()

    @property
    def lock(self) -> int:
        """Of PostgreSQL's 64-bit advisory locks; two tuples share one with a chance of 2^-64."""
        row = f"{self.organization_id} {self.principal_id} {self.route} {self.key}"
        return int.from_bytes(hashlib.sha256(row.encode()).digest()[:LOCK_BYTES], signed=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """`is_locked`: this transaction alone may act, until it ends. None where nothing is kept."""

    is_locked: bool
    fingerprint: bytes | None
    answer: bytes | None
    kept_at: datetime | None


@dataclass(frozen=True, slots=True)
class Keeping:
    """An answer that is to be kept by the very statement that it tells of; `answer` is sealed."""

    request: KeyedRequest
    answer: bytes


async def claim(session: AsyncSession, request: KeyedRequest) -> Claim:
    """In a transaction not yet begun this is no further round trip: it names the tenant too."""
    values = {
        "organization_id": request.organization_id,
        "user_id": request.user_id,
        "principal_id": request.principal_id,
        "route": request.route,
        "key_digest": request.key_digest,
        "lock": request.lock,
    }
    with names_tenant_itself(session):
        row = (await session.execute(CLAIM, values)).one()
    return Claim(row.is_locked, row.fingerprint, row.answer, row.kept_at)


async def keep(session: AsyncSession, request: KeyedRequest, answer: bytes) -> None:
    """In the transaction that `claim` was given the lock in. An expired row is written over."""
    tenant = Tenant(request.organization_id, request.user_id)
    if session.info.get(TENANT_KEY) != tenant:
        # Whoever makes an organisation goes over to it; the answer is kept in the one that was asked from.
        await bind_tenant(session, tenant)
    new = {"fingerprint": request.fingerprint, "answer": answer, "created_at": func.now()}
    row = {**_row(request), "user_id": request.user_id}
    statement = insert(IdempotencyKey).values(**row, **new)
    await session.execute(statement.on_conflict_do_update(index_elements=list(_row(request)), set_=new))


async def replace(database: Database, request: KeyedRequest, answer: bytes) -> None:
    """Where an answer left otherwise than it was kept: a request that waited has more to tell."""
    async with database.transaction(Tenant(request.organization_id, request.user_id)) as session:
        statement = update(IdempotencyKey).filter_by(**_row(request))
        await session.execute(statement.values(answer=answer))


async def delete_expired(database: Database, *, batch: int = BATCH) -> bool:
    """Those over 24 hours old, in transactions of one batch each. True when some may be left."""
    for _ in range(BATCHES_PER_ROUND):
        async with database.transaction() as session:
            deleted = await session.scalar(DELETE_EXPIRED, {"at_most": batch})
        if (deleted or 0) < batch:
            return False
    return True


def _row(request: KeyedRequest) -> dict[str, object]:
    return {
        "organization_id": request.organization_id,
        "principal_id": request.principal_id,
        "route": request.route,
        "key_digest": request.key_digest,
    }
