"""The platform at a glance, and its queue."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.admin.context import Administering, CanAdminister, JobId, Words
from app.admin.dashboard import show
from app.admin.errors import JobAlreadyWaitingError, JobNotFailedError, JobNotFoundError
from app.admin.queries import NEWEST_JOBS, JobFilters, Jobs
from app.admin.schemas import Dashboard, JobOut
from app.admin.service import retry_failed_job
from app.admin.store import oldest_waiting_seconds, read_tallies
from app.admin.vocabulary import JobStatus
from app.core.guard import OwnSession
from app.core.openapi import problems
from app.core.page_answer import page_of
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError, Pagination
from app.core.schemas import Page

router = APIRouter()


async def get_job_filters(status: JobStatus | None = None, task: Words | None = None) -> JobFilters:
    return JobFilters(status, task)


@router.get("/dashboard")
async def dashboard(_staff: CanAdminister, session: OwnSession) -> Dashboard:
    """Counts that are kept as things happen, exact at this moment."""
    tallies, oldest = await read_tallies(session), await oldest_waiting_seconds(session)
    return show(tallies, now=datetime.now(UTC), oldest_waiting_seconds=oldest)


@router.get("/jobs", responses=problems(InvalidCursorError))
async def list_jobs(
    _staff: CanAdminister,
    session: OwnSession,
    filters: Annotated[JobFilters, Depends(get_job_filters)],
    page: PageQuery,
    request: Request,
    response: Response,
) -> Page[JobOut]:
    """The queue, newest first."""
    scope = {"status": filters.status, "task": filters.task}
    pagination = Pagination(request.app.state.cursors, NEWEST_JOBS, page, scope)
    rows = await Jobs(session).page(pagination, filters)
    return page_of(JobOut, rows, request=request, response=response)


@router.post(
    "/jobs/{job_id}/retry", responses=problems(JobNotFoundError, JobNotFailedError, JobAlreadyWaitingError)
)
async def retry_job(staff: Administering, session: OwnSession, job_id: JobId, request: Request) -> JobOut:
    """Try a failed job once more; a worker takes it up within seconds."""
    await retry_failed_job(session, staff, job_id, cache=request.app.state.cache)
    return JobOut.model_validate(await Jobs(session).get(job_id))
