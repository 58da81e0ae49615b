"""What staff see, and what they ask for."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from app.admin.vocabulary import JobStatus, ids_of
from app.core.principal import MembershipRole, Plan, StaffRole
from app.core.schemas import ChangeModel, JsonBool, JsonInt, RequestModel, ResponseModel, UtcDatetime
from app.users.schemas import UserOut

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=300)]
Counts = dict[str, int]


class OrganizationCounts(ResponseModel):
    total: int = Field(description="Without those that their owners deleted.")
    suspended: int
    deleted: int = Field(description="They can be restored until they are erased.")
    by_plan: Counts = Field(description="Of the total.")


class QueueCounts(ResponseModel):
    waiting: int
    running: int
    failed: int = Field(description="Given up within the last 30 days.")
    oldest_waiting_seconds: float | None = Field(description="Since it was due; null: nothing waits.")


class ErrorCounts(ResponseModel):
    total: int
    summaries: Counts = Field(description="Failed ones by reason, without those that were cancelled.")
    jobs: Counts = Field(description="Given up, by task.")


class Dashboard(ResponseModel):
    total_users: int
    active_users: int
    inactive_users: int
    users_by_role: Counts
    organizations: OrganizationCounts
    summaries_by_status: Counts = Field(description="Without the trash, which is `trashed`.")
    queue: QueueCounts
    errors_today: ErrorCounts = Field(description="Of this day in UTC.")


class PlaceOut(ResponseModel):
    organization_id: UUID
    name: str
    role: MembershipRole


class PersonOut(UserOut):
    is_locked: bool = Field(description="Logins of some clients are refused after wrong guesses.")
    erase_after: UtcDatetime | None = Field(description="Closed by its owner, and kept until then.")
    sessions: int = Field(description="Living ones, in all organisations.")
    api_keys: int
    memberships: list[PlaceOut]


class RoleIn(RequestModel):
    """`new_role` is another name for `role`."""

    role: StaffRole | None = None
    new_role: StaffRole | None = None


class ImpersonationIn(RequestModel):
    organization_id: UUID
    reason: Reason = Field(description="The organisation reads it in its audit log.")
    minutes: JsonInt = Field(default=15, ge=1, le=60)
    write: JsonBool = Field(default=False, description="Also change summaries; for a super_admin.")


class ImpersonationOut(ResponseModel):
    """`expires_in` in seconds, 900 at most; asked again until `expires_at`, there is another token."""

    session_id: UUID
    user_id: UUID
    organization_id: UUID
    expires_at: UtcDatetime
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # RFC 6750's name of the type
    expires_in: int
    scope: str


class StandingIn(ChangeModel):
    plan: Plan = Plan.FREE
    suspended: JsonBool = Field(default=False, description="True: its credentials stop within two seconds.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing_to_change", "Send plan, suspended, or both")
        return self


class StaffOrganizationOut(ResponseModel):
    id: UUID
    name: str
    is_personal: bool
    plan: Plan
    support_access: bool
    created_at: UtcDatetime
    suspended_at: UtcDatetime | None
    erase_after: UtcDatetime | None


class JobOut(ResponseModel):
    id: int
    task: str
    queue: str
    status: JobStatus
    attempts: int
    ids: dict[str, UUID] = Field(
        validation_alias="args", description="Of its arguments those that are ids; the others are not shown."
    )
    created_at: UtcDatetime | None
    scheduled_at: UtcDatetime | None = Field(description="Not before then.")
    changed_at: UtcDatetime | None

    @field_validator("ids", mode="before")
    @classmethod
    def _only_ids(cls, args: dict[str, Any]) -> dict[str, UUID]:  # Any: JSON
        return ids_of(args)
