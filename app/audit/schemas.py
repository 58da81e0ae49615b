"""Entries of the audit log, as they go out."""

from typing import Any
from uuid import UUID

from pydantic import field_validator

from app.core.schemas import ResponseModel, UtcDatetime


class AuditEntryOut(ResponseModel):
    id: UUID
    action: str
    actor_kind: str
    actor_id: UUID | None
    credential_id: UUID | None
    subject_id: UUID | None
    target_kind: str | None
    target_id: UUID | None
    address: str | None
    request_id: str | None
    details: dict[str, Any]  # Any: JSON
    created_at: UtcDatetime

    @field_validator("address", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str | None:
        """PostgreSQL's inet comes as an address object."""
        return str(value) if value is not None else None
