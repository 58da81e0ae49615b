"""What is worth an entry in the audit log, and what an entry says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from uuid import UUID

ActorKind = Literal["user", "api_key", "staff", "system", "anonymous"]


class AuditAction(StrEnum):
    LOGIN_SUCCESS = "login_success"
    LOGIN_FAILURE = "login_failure"
    LOGOUT = "logout"
    TOKEN_REFRESH = "token_refresh"  # noqa: S105  # an event's name
    TOKEN_REVOKED = "token_revoked"  # noqa: S105  # as above
    TOKEN_REUSE_DETECTED = "token_reuse_detected"  # noqa: S105  # as above
    ORGANIZATION_SWITCHED = "organization_switched"
    USER_REGISTERED = "user_registered"
    EMAIL_VERIFIED = "email_verified"
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # as above
    PASSWORD_RESET = "password_reset"  # noqa: S105  # as above
    ROLE_CHANGED = "role_changed"
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_UNLOCKED = "account_unlocked"
    ACCOUNT_DEACTIVATED = "account_deactivated"
    ACCOUNT_ACTIVATED = "account_activated"
    ACCOUNT_EXPORTED = "account_exported"
    ACCOUNT_ERASED = "account_erased"
    API_KEY_GENERATED = "api_key_generated"
    API_KEY_CHANGED = "api_key_changed"
    API_KEY_ROTATED = "api_key_rotated"
    API_KEY_REVOKED = "api_key_revoked"
    API_KEY_LEAKED = "api_key_leaked"
    SECOND_FACTOR_ENABLED = "second_factor_enabled"
    SECOND_FACTOR_DISABLED = "second_factor_disabled"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_REPLACED = "recovery_codes_replaced"
    PROVIDER_LINKED = "provider_linked"
    ORGANIZATION_CREATED = "organization_created"
    ORGANIZATION_CHANGED = "organization_changed"
    ORGANIZATION_DELETED = "organization_deleted"
    ORGANIZATION_ERASED = "organization_erased"
    ORGANIZATION_RESTORED = "organization_restored"
    OWNERSHIP_TRANSFERRED = "ownership_transferred"
    MEMBER_INVITED = "member_invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    MEMBER_JOINED = "member_joined"
    MEMBER_ROLE_CHANGED = "member_role_changed"
    MEMBER_REMOVED = "member_removed"
    MEMBER_LEFT = "member_left"
    PLAN_CHANGED = "plan_changed"
    ORGANIZATION_SUSPENDED = "organization_suspended"
    ORGANIZATION_RESUMED = "organization_resumed"
    IMPERSONATION_STARTED = "impersonation_started"
    IMPERSONATION_ENDED = "impersonation_ended"
    JOB_RETRIED = "job_retried"
    AUDIT_LOG_EXPORTED = "audit_log_exported"
    SUMMARIES_EXPORTED = "summaries_exported"
    SUMMARIES_ERASED = "summaries_erased"
    SHARE_CREATED = "share_created"
    SHARE_CHANGED = "share_changed"
    SHARE_REVOKED = "share_revoked"
    FEED_CREATED = "feed_created"
    FEED_REVOKED = "feed_revoked"
    QUOTA_WARNING = "quota_warning"
    PROVIDER_UNLINKED = "provider_unlinked"
    WEBHOOK_CREATED = "webhook_created"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_DELETED = "webhook_deleted"
    WEBHOOK_SECRET_ROTATED = "webhook_secret_rotated"  # noqa: S105  # as above
    WEBHOOK_REDELIVERED = "webhook_redelivered"
    WEBHOOK_DISABLED = "webhook_disabled"
    UNAUTHORIZED_ACCESS = "unauthorized_access"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    AUDIT_CHAIN_OPENED = "audit_chain_opened"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that happened.

    `organization_id` None: the platform's own log. `subject_id` is the user it happened to, `target` the kind
    and id of any other object. `details` hold no secret, no token, no password: only what a reader needs.
    """

    action: AuditAction
    organization_id: UUID | None
    actor_kind: ActorKind
    actor_id: UUID | None = None
    credential_id: UUID | None = None
    subject_id: UUID | None = None
    target: tuple[str, UUID] | None = None
    address: str | None = None
    details: Mapping[str, str | int | bool | None] = field(default_factory=dict)
