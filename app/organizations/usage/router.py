"""What the organisation has used of its plan."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from app.core.guard import OwnSession
from app.core.openapi import problems
from app.organizations.context import CanReadOrganization, OrganizationId
from app.organizations.errors import OrganizationNotFoundError, WrongOrganizationError
from app.organizations.service import OrganizationService
from app.organizations.usage.schemas import UsageOut, usage_out
from app.organizations.usage.service import read_usage

router = APIRouter()

Month = Annotated[
    str | None,
    Query(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", max_length=7, description="YYYY-MM; left out: this one."),
]


@router.get("/{organization_id}/usage", responses=problems(OrganizationNotFoundError, WrongOrganizationError))
async def usage(
    principal: CanReadOrganization,
    session: OwnSession,
    organization_id: OrganizationId,
    month: Month = None,
) -> UsageOut:
    """Summaries and storage against the plan; by day, by user and by key."""
    await OrganizationService(session, principal).bound(organization_id)
    first = date.fromisoformat(f"{month}-01") if month else datetime.now(UTC).date().replace(day=1)
    return usage_out(await read_usage(session, principal, first), principal.plan)
