"""One row's line in the report."""

from collections import Counter
from collections.abc import Sequence

from fastapi import Request

from app.core.errors import ProblemError, ValidationFailedError
from app.summaries.batches.answers import item_result
from app.summaries.batches.service import Taken
from app.summaries.duplicates import Outcome, Submission
from app.summaries.imports.links import Link
from app.summaries.imports.lists import LinkList
from app.summaries.imports.schemas import LONGEST_SHOWN, ImportView, RowOutcome, RowView

OUTCOMES = {
    Outcome.CREATED: RowOutcome.CREATED,
    Outcome.RETURNED: RowOutcome.DUPLICATE,
    Outcome.REFRESHED: RowOutcome.REFRESHED,
}
FOUND = 200


def report_of(read: LinkList, taken: Sequence[Taken], request: Request) -> ImportView:
    rows = [_row(link, each, request) for link, each in zip(read.links, taken, strict=True)]
    counted = Counter(row.outcome for row in rows)
    return ImportView(format=read.format, counts={each: counted[each] for each in RowOutcome}, rows=rows)


def _row(link: Link, taken: Taken, request: Request) -> RowView:
    url = link.url[:LONGEST_SHOWN]
    if isinstance(taken, ProblemError):
        return _refused(link.line, url, taken)
    result = item_result(0, taken, request)
    return RowView(
        line=link.line,
        url=url,
        outcome=_outcome(taken, result.status),
        status=result.status,
        id=result.summary.id if result.summary else None,
        location=result.location,
    )


def _outcome(taken: Taken, status: int) -> RowOutcome:
    if isinstance(taken, Submission):
        return OUTCOMES[taken.outcome]
    # Of an earlier try only its answer is known.
    return RowOutcome.DUPLICATE if status == FOUND else RowOutcome.CREATED


def _refused(line: int, url: str, problem: ProblemError) -> RowView:
    """A row's own fault says more than that there is one."""
    is_own = isinstance(problem, ValidationFailedError)
    code, detail = problem.code, problem.detail
    if problem.faults:
        code, detail = problem.faults[0].code, problem.faults[0].detail
    outcome = RowOutcome.INVALID if is_own else RowOutcome.REFUSED
    return RowView(line=line, url=url, outcome=outcome, status=problem.status, code=code, detail=detail)
