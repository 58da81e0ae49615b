"""What an export can be, and what of a summary its flat forms show."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """`md` is Markdown. NDJSON and JSON hold each summary whole."""

    NDJSON = "ndjson"
    CSV = "csv"
    MD = "md"
    JSON = "json"


MEDIA_TYPES = {
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
    ExportFormat.MD: "text/markdown; charset=utf-8",
    ExportFormat.JSON: "application/json",
}
# CSV's columns in their order. Lists are joined: key points by line breaks, tags by semicolons.
PLAIN_FIELDS = (
    *("id", "title", "url", "canonical_url", "author", "published_at", "site_name", "language", "status"),
    *("failure_reason", "summary", "key_points", "tags", "visibility", "notes", "favourite", "archived"),
    *("source_word_count", "summary_word_count", "reading_minutes", "low_content", "style", "engine"),
    *("created_at", "updated_at"),
)
# Of one cell in CSV.
JOINERS = {"key_points": "\n", "tags": "; "}
# What Markdown shows.
PARTS = (
    *("id", "title", "url", "author", "published_at", "status", "tags", "summary", "key_points", "notes"),
    "created_at",
)
