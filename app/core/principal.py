"""Who calls and what that allows: the scopes, the two kinds of role, and the one table that joins them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Literal
from uuid import UUID

PrincipalKind = Literal["user", "api_key"]


class Scope(StrEnum):
    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    SUMMARIES_READ = "summaries:read"
    SUMMARIES_WRITE = "summaries:write"
    SUMMARIES_DELETE = "summaries:delete"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    ORG_READ = "org:read"
    ORG_WRITE = "org:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    AUDIT_READ = "audit:read"
    ADMIN = "admin"


class StaffRole(StrEnum):
    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"


class MembershipRole(StrEnum):
    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


class Plan(StrEnum):
    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


_VIEWER = frozenset({Scope.PROFILE_READ, Scope.SUMMARIES_READ, Scope.ORG_READ})
_MEMBER = _VIEWER | {
    Scope.SUMMARIES_WRITE,
    Scope.SUMMARIES_DELETE,
    Scope.PROFILE_WRITE,
    Scope.KEYS_READ,
    Scope.KEYS_WRITE,
    Scope.WEBHOOKS_READ,
}
_ADMIN = _MEMBER | {Scope.WEBHOOKS_WRITE, Scope.ORG_WRITE, Scope.AUDIT_READ}

MEMBERSHIP_SCOPES: dict[MembershipRole, frozenset[Scope]] = {
    MembershipRole.VIEWER: _VIEWER,
    MembershipRole.MEMBER: _MEMBER,
    MembershipRole.ADMIN: _ADMIN,
    MembershipRole.OWNER: _ADMIN,
}
_STAFF_ADMIN = frozenset({Scope.USERS_READ, Scope.USERS_WRITE, Scope.AUDIT_READ, Scope.ADMIN})
STAFF_SCOPES: dict[StaffRole, frozenset[Scope]] = {
    StaffRole.USER: frozenset(),
    StaffRole.MODERATOR: frozenset({Scope.USERS_READ}),
    StaffRole.ADMIN: _STAFF_ADMIN,
    StaffRole.SUPER_ADMIN: frozenset(Scope),
}


# A key cannot make keys, take over its owner's account or reach the staff's endpoints.
KEY_SCOPES = frozenset(Scope) - {Scope.KEYS_WRITE, Scope.PROFILE_WRITE} - STAFF_SCOPES[StaffRole.ADMIN] | {
    Scope.AUDIT_READ
}


def allowed_scopes(staff: StaffRole, membership: MembershipRole) -> frozenset[Scope]:
    """All that a person of these roles may be granted."""
    return STAFF_SCOPES[staff] | MEMBERSHIP_SCOPES[membership]


# What proves a second factor in a session's `amr`: a code of the authenticator app, or a recovery code.
SECOND_FACTORS = frozenset({"otp", "rec"})
RECENT = timedelta(minutes=15)
# Under this name a request's log lines and audit entries tell who of the staff acted in a user's name.
IMPERSONATED_BY = "impersonated_by"


@dataclass(frozen=True, slots=True)
class StaffPolicy:
    """Whether a staff role counts only in sessions whose login was proved with a second factor."""

    second_factor_required: bool

    def proved(self, role: StaffRole, amr: Iterable[str]) -> StaffRole:
        """The role that counts in a session so proved: without the demanded proof an ordinary user's."""
        if self.second_factor_required and SECOND_FACTORS.isdisjoint(amr):
            return StaffRole.USER
        return role


@dataclass(frozen=True)
class Principal:
    """A verified caller, bound to one organisation. `credential_id` is the session's or the API key's id.

    Without slots: it serves many requests, and what they all spell the same is spelled once.

    `amr` and `authenticated_at` say how and when a session's login was proved; an API key proves nothing.
    `withheld` are the scopes of the staff role that a second factor would give; `staff_role` is without them.
    `impersonator_id`: the one of the staff who acts in this user's name.
    """

    kind: PrincipalKind
    user_id: UUID
    organization_id: UUID
    credential_id: UUID
    staff_role: StaffRole
    membership_role: MembershipRole
    plan: Plan
    scopes: frozenset[Scope]
    rate_limit: int | None = None
    # With defaults: the cache may still hold what a former version wrote.
    amr: tuple[str, ...] = ()
    authenticated_at: datetime | None = None
    withheld: frozenset[Scope] = frozenset()
    impersonator_id: UUID | None = None

    @cached_property
    def tenant(self) -> str:
        """Its organisation, as keys of Redis and PostgreSQL's settings have it."""
        return str(self.organization_id)

    @cached_property
    def person(self) -> str:
        """Whose credential it is, spelled as `tenant` is."""
        return str(self.user_id)

    @cached_property
    def in_log(self) -> Mapping[str, str]:
        """By ids alone."""
        credential = "key_id" if self.kind == "api_key" else "session_id"
        return {
            "principal": "staff" if self.staff_role is not StaffRole.USER else self.kind,
            "user_id": self.person,
            "organization_id": self.tenant,
            credential: str(self.credential_id),
        }

    @property
    def manages_organization(self) -> bool:
        return self.membership_role in {MembershipRole.ADMIN, MembershipRole.OWNER}

    def logged_in_recently(self, now: datetime) -> bool:
        """Refreshing does not count: only a password, or what stands for it, makes a login recent."""
        return self.authenticated_at is not None and now - self.authenticated_at <= RECENT
