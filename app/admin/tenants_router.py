"""Staff see all organisations, change what is not their owners' to change, and read every audit log."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.context import CanAdminister, CanReadLogs, OrganizationId, Standing, Words
from app.admin.journal import Deed, Staff, note
from app.admin.queries import (
    NEWEST_ORGANIZATIONS,
    OrganizationFilters,
    PlatformLog,
    page_of_organizations,
)
from app.admin.schemas import StaffOrganizationOut, StandingIn
from app.audit.events import AuditAction
from app.audit.export import ExportFormat, ReadableLog, export_from
from app.audit.export_answer import EXPORTED, export_answer
from app.audit.queries import NEWEST_FIRST, AuditLog
from app.audit.schemas import AuditEntryOut
from app.core.db import DatabaseDep, Tenant, bind_tenant
from app.core.guard import OwnSession
from app.core.http import client_address
from app.core.ids import OptionalId
from app.core.openapi import problems
from app.core.page_answer import page_of
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError, Pagination
from app.core.principal import Plan
from app.core.schemas import Page
from app.organizations.audit_log_router import Filters
from app.organizations.errors import OrganizationNotFoundError

router = APIRouter()

Whose = Annotated[
    OptionalId,
    Query(description="Of this organisation, also of an erased one; left out: the platform's own."),
]


async def get_filters(
    q: Words | None = None, plan: Plan | None = None, *, suspended: bool | None = None
) -> OrganizationFilters:
    """`q`: how the name begins."""
    return OrganizationFilters(q, plan, suspended)


@router.get("/organizations", responses=problems(InvalidCursorError))
async def list_organizations(
    _staff: CanAdminister,
    session: OwnSession,
    filters: Annotated[OrganizationFilters, Depends(get_filters)],
    page: PageQuery,
    request: Request,
    response: Response,
) -> Page[StaffOrganizationOut]:
    """All organisations, newest first."""
    scope = {"q": filters.q, "plan": filters.plan, "suspended": filters.suspended}
    pagination = Pagination(request.app.state.cursors, NEWEST_ORGANIZATIONS, page, scope)
    rows = await page_of_organizations(session, pagination, filters)
    return page_of(StaffOrganizationOut, rows, request=request, response=response)


@router.patch("/organizations/{organization_id}", responses=problems(OrganizationNotFoundError))
async def change_organization(
    standing: Standing, organization_id: OrganizationId, wanted: StandingIn
) -> StaffOrganizationOut:
    """Change its plan, suspend or resume it: in force on every worker within two seconds."""
    changed = await standing.change(organization_id, **wanted.model_dump(exclude_unset=True))
    return StaffOrganizationOut.model_validate(changed)


def log_of(session: AsyncSession, organization_id: UUID | None) -> AuditLog | PlatformLog:
    return AuditLog(session, organization_id) if organization_id else PlatformLog(session)


@router.get("/audit-log", responses=problems(InvalidCursorError))
async def list_audit_log(
    _staff: CanReadLogs,
    session: OwnSession,
    filters: Filters,
    page: PageQuery,
    request: Request,
    response: Response,
    *,
    organization_id: Whose = None,
) -> Page[AuditEntryOut]:
    """Who did what on the platform, or in one organisation, newest first."""
    scope = {"staff": True, "organization_id": organization_id, **filters.as_scope()}
    pagination = Pagination(request.app.state.cursors, NEWEST_FIRST, page, scope)
    await bind_tenant(session, Tenant(organization_id))
    rows = await log_of(session, organization_id).page(pagination, filters)
    return page_of(AuditEntryOut, rows, request=request, response=response)


@router.get(
    "/audit-log/export",
    status_code=200,
    response_class=StreamingResponse,
    responses=EXPORTED,
)
async def export_audit_log(
    principal: CanReadLogs,
    database: DatabaseDep,
    filters: Filters,
    request: Request,
    *,
    organization_id: Whose = None,
    format: ExportFormat = ExportFormat.NDJSON,  # noqa: A002  # the parameter's name in the URL
) -> StreamingResponse:
    """The log as a file; an organisation reads in its own that it was taken."""
    tenant = Tenant(organization_id)
    async with database.transaction(tenant) as session:
        staff = Staff(principal, client_address(request.scope.get("client")))
        await note(session, staff, Deed(AuditAction.AUDIT_LOG_EXPORTED), organization_id=organization_id)

    def log(session: AsyncSession) -> ReadableLog:
        return log_of(session, organization_id)

    return export_answer(export_from(database, tenant, log, filters=filters, wanted=format), format)
