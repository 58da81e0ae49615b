"""What can go wrong with what was thrown away."""

from app.core.errors import ProblemError


class SummaryNotTrashedError(ProblemError):
    code = "summary_not_trashed"
    status = 409
    title = "The summary is not in the trash"
    meaning = "Only what lies in the trash can be restored, or erased for good."
    hint = "GET /api/v1/summaries/trash lists what is there."
