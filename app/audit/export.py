"""The audit log as a stream: newline-delimited JSON or CSV, a page at a time, in constant memory."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import AuditEntry
from app.audit.queries import AuditFilters, AuditLog
from app.audit.schemas import AuditEntryOut
from app.core.db import Database, Tenant
from app.core.spreadsheet import csv_lines

ENTRIES_A_STEP = 500
COLUMNS = list(AuditEntryOut.model_fields)


class ExportFormat(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


class ReadableLog(Protocol):
    async def behind(
        self, last: UUID | None, filters: AuditFilters, *, limit: int
    ) -> Sequence[AuditEntry]: ...


MEDIA_TYPES = {ExportFormat.NDJSON: "application/x-ndjson", ExportFormat.CSV: "text/csv; charset=utf-8"}


def export(
    database: Database, tenant: Tenant, filters: AuditFilters, *, wanted: ExportFormat
) -> AsyncIterator[str]:
    """One organisation's log, as `export_from`."""
    organization_id = tenant.organization_id
    assert organization_id is not None  # noqa: S101  # narrows for mypy

    def log(session: AsyncSession) -> AuditLog:
        return AuditLog(session, organization_id)

    return export_from(database, tenant, log, filters=filters, wanted=wanted)


async def export_from(
    database: Database,
    tenant: Tenant,
    log: Callable[[AsyncSession], ReadableLog],
    *,
    filters: AuditFilters,
    wanted: ExportFormat,
) -> AsyncIterator[str]:
    """Oldest first. A transaction a page: an export of an hour holds no connection for an hour."""
    if wanted is ExportFormat.CSV:
        yield csv_lines([COLUMNS])
    line = _LINES[wanted]
    last: UUID | None = None
    while True:
        async with database.transaction(tenant) as session:
            rows = await log(session).behind(last, filters, limit=ENTRIES_A_STEP)
        # Outside of it: a client that stops reading holds no connection.
        yield "".join(line(AuditEntryOut.model_validate(row)) for row in rows)
        if len(rows) < ENTRIES_A_STEP:
            return
        last = rows[-1].id


def _ndjson(entry: AuditEntryOut) -> str:
    return entry.model_dump_json() + "\n"


def _csv(entry: AuditEntryOut) -> str:
    values = entry.model_dump(mode="json")
    values["details"] = json.dumps(values["details"], ensure_ascii=False)
    return csv_lines([[values[name] for name in COLUMNS]])


_LINES: dict[ExportFormat, Callable[[AuditEntryOut], str]] = {
    ExportFormat.NDJSON: _ndjson,
    ExportFormat.CSV: _csv,
}
