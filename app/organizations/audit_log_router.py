"""An organisation's audit log, for its own admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from app.audit.events import AuditAction
from app.audit.export import ExportFormat, export
from app.audit.export_answer import EXPORTED, export_answer
from app.audit.queries import NEWEST_FIRST, AuditFilters, AuditLog
from app.audit.schemas import AuditEntryOut
from app.core.db import DatabaseDep, Tenant
from app.core.guard import OwnSession, require
from app.core.ids import OptionalId
from app.core.limits import AsyncLimiter, Hit, Limit
from app.core.openapi import problems
from app.core.page_answer import page_of
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError, Pagination
from app.core.principal import Principal, Scope
from app.core.schemas import Moment, Page
from app.organizations.context import OrganizationId
from app.organizations.errors import OrganizationNotFoundError, WrongOrganizationError
from app.organizations.journal import note
from app.organizations.service import OrganizationService

router = APIRouter()

CanReadAudit = Annotated[Principal, require(Scope.AUDIT_READ)]
BOUND = (OrganizationNotFoundError, WrongOrganizationError)


async def get_filters(
    action: AuditAction | None = None,
    actor_id: OptionalId = None,
    subject_id: OptionalId = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> AuditFilters:
    return AuditFilters(action, actor_id, subject_id, since, until)


async def get_auditor(
    principal: CanReadAudit, session: OwnSession, organization_id: OrganizationId
) -> Principal:
    await OrganizationService(session, principal).bound(organization_id)
    return principal


Filters = Annotated[AuditFilters, Depends(get_filters)]
Auditor = Annotated[Principal, Depends(get_auditor)]


@router.get("/{organization_id}/audit-log", name="list", responses=problems(*BOUND, InvalidCursorError))
async def list_entries(
    auditor: Auditor,
    session: OwnSession,
    filters: Filters,
    page: PageQuery,
    request: Request,
    response: Response,
) -> Page[AuditEntryOut]:
    """Who did what, newest first."""
    scope = {"organization_id": auditor.organization_id, **filters.as_scope()}
    pagination = Pagination(request.app.state.cursors, NEWEST_FIRST, page, scope)
    rows = await AuditLog(session, auditor.organization_id).page(pagination, filters)
    return page_of(AuditEntryOut, rows, request=request, response=response)


@router.get(
    "/{organization_id}/audit-log/export",
    name="export",
    status_code=200,
    response_class=StreamingResponse,
    responses={**EXPORTED, **problems(*BOUND)},
)
async def export_entries(
    auditor: Auditor,
    database: DatabaseDep,
    filters: Filters,
    request: Request,
    format: ExportFormat = ExportFormat.NDJSON,  # noqa: A002  # the parameter's name in the URL
) -> StreamingResponse:
    """The log as a file; that it was taken stands in it too. Three an hour."""
    limiter: AsyncLimiter = request.app.state.limiter
    await limiter.enforce(request, [Hit(Limit.EXPORT, auditor.tenant, "audit log")])
    tenant = Tenant(auditor.organization_id, auditor.user_id)
    async with database.transaction(tenant) as session:
        await note(session, auditor, AuditAction.AUDIT_LOG_EXPORTED, details={"format": str(format)})
    return export_answer(export(database, tenant, filters, wanted=format), format)
