"""The audit log as a stream: newline-delimited JSON or CSV, a page at a time, in constant memory."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from uuid import UUID

from app.audit.queries import AuditFilters, AuditLog
from app.audit.schemas import AuditEntryOut
from app.core.db import Database, Tenant

ENTRIES_A_STEP = 500
COLUMNS = list(AuditEntryOut.model_fields)
# What a spreadsheet would run as a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ExportFormat(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


MEDIA_TYPES = {ExportFormat.NDJSON: "application/x-ndjson", ExportFormat.CSV: "text/csv; charset=utf-8"}


async def export(
    database: Database, tenant: Tenant, filters: AuditFilters, *, wanted: ExportFormat
) -> AsyncIterator[str]:
    """Oldest first. A transaction a page: an export of an hour holds no connection for an hour."""
    assert tenant.organization_id is not None  # noqa: S101  # narrows for mypy
    if wanted is ExportFormat.CSV:
        yield _csv_line(COLUMNS)
    line = _LINES[wanted]
    last: UUID | None = None
    while True:
        async with database.transaction(tenant) as session:
            rows = await AuditLog(session, tenant.organization_id).behind(last, filters, limit=ENTRIES_A_STEP)
            yield "".join(line(AuditEntryOut.model_validate(row)) for row in rows)
        if len(rows) < ENTRIES_A_STEP:
            return
        last = rows[-1].id


def _ndjson(entry: AuditEntryOut) -> str:
    return entry.model_dump_json() + "\n"


def _csv(entry: AuditEntryOut) -> str:
    values = entry.model_dump(mode="json")
    values["details"] = json.dumps(values["details"], ensure_ascii=False)
    return _csv_line([_harmless(values[name]) for name in COLUMNS])


def _harmless(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _csv_line(values: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


_LINES: dict[ExportFormat, Callable[[AuditEntryOut], str]] = {
    ExportFormat.NDJSON: _ndjson,
    ExportFormat.CSV: _csv,
}
