"""The exported log as an answer: a file, sent while it is read."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

from app.audit.export import MEDIA_TYPES, ExportFormat

EXPORTED: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI JSON
    200: {
        "description": "The whole log, oldest first.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in ("application/x-ndjson", "text/csv")
        },
    }
}


def export_answer(lines: AsyncIterator[str], wanted: ExportFormat) -> StreamingResponse:
    return StreamingResponse(
        lines,
        media_type=MEDIA_TYPES[wanted],
        headers={"Content-Disposition": f'attachment; filename="audit-log.{wanted}"'},
    )
