"""A person as others see them: never a hash."""

from uuid import UUID

from app.core.schemas import ResponseModel, UtcDatetime


class UserOut(ResponseModel):
    id: UUID
    username: str
    email: str
    full_name: str | None
    role: str
    is_active: bool
    is_verified: bool
    created_at: UtcDatetime
    last_login: UtcDatetime | None
