"""The report of an import: what became of every row."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from app.core.schemas import ResponseModel
from app.summaries.imports.links import MAX_ROWS
from app.summaries.imports.lists import ListFormat

LONGEST_SHOWN = 2000


class RowOutcome(StrEnum):
    """`refused`: nothing is wrong with the row, but the plan's quota or the service had no room for it."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REFRESHED = "refreshed"
    INVALID = "invalid"
    REFUSED = "refused"


class RowView(ResponseModel):
    line: int = Field(description="Where the row begins in the file, from 1.")
    url: str = Field(max_length=LONGEST_SHOWN, description="As it stands in the list, absurd ones cut.")
    outcome: RowOutcome
    status: int = Field(description="That this row alone would have been answered with.")
    id: UUID | None = None
    location: str | None = None
    code: str | None = Field(None, description="Why it is invalid or refused.")
    detail: str | None = None


class ImportView(ResponseModel):
    format: ListFormat
    counts: dict[RowOutcome, int] = Field(description="How many rows came to what.")
    rows: list[RowView] = Field(max_length=MAX_ROWS)
