"""The bodies of the trash's routes."""

from pydantic import Field

from app.core.schemas import ResponseModel, UtcDatetime
from app.summaries.schemas import SummaryView


class TrashedView(SummaryView):
    deleted_at: UtcDatetime
    kept_until: UtcDatetime = Field(description="Then it is erased for good: as long as the plan keeps it.")


class EmptiedView(ResponseModel):
    erased: int
    has_more: bool = Field(description="Whether more is left: empty it again.")
