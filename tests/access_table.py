"""Who may call what, written down once more: what the code says of itself is no proof of what was meant.

Everything here is spelt out from the contract (`Scopes`, `API keys`), none of it is imported from `app`.
A new route, and one whose scope changes, fails tests/test_access_table.py until it stands here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`scopes`, with spaces between, are all needed; none: any login will do. `key`: whether a key may."""

    scopes: str
    key: bool = True

    @property
    def needed(self) -> frozenset[str]:
        return frozenset(self.scopes.split())

    def admits(self, scopes: frozenset[str]) -> bool:
        """A login of these scopes."""
        return self.needed <= scopes

    def admits_key(self, scopes: frozenset[str]) -> bool:
        return self.key and self.needed <= scopes


OPEN = None
VIEWER = frozenset({"profile:read", "summaries:read", "org:read"})
MEMBER = VIEWER | {
    "summaries:write",
    "summaries:delete",
    "profile:write",
    "keys:read",
    "keys:write",
    "webhooks:read",
}
MANAGER = MEMBER | {"webhooks:write", "org:write", "audit:read"}
STAFF = frozenset({"users:read", "users:write", "audit:read", "admin"})

# What a role in an organisation allows, and what a staff role adds to it.
MEMBERSHIPS = {"viewer": VIEWER, "member": MEMBER, "admin": MANAGER, "owner": MANAGER}
STAFF_ROLES = {
    "user": frozenset[str](),
    "moderator": frozenset({"users:read"}),
    "admin": STAFF,
    "super_admin": MANAGER | STAFF,
}
SCOPES = MANAGER | STAFF
# Neither the account nor other keys nor the staff's places, whoever made it.
KEY_SCOPES = MANAGER - {"profile:write", "keys:write"}

RULES: dict[str, Rule | None] = {
    "POST /api/v1/summaries": Rule("summaries:write"),
    "POST /api/v1/summaries/upload": Rule("summaries:write"),
    "POST /api/v1/summaries/batch": Rule("summaries:write"),
    "POST /api/v1/summaries/import": Rule("summaries:write"),
    "GET /api/v1/summaries": Rule("summaries:read"),
    "GET /api/v1/summaries/count": Rule("summaries:read"),
    "GET /api/v1/summaries/export": Rule("summaries:read"),
    "GET /api/v1/summaries/{summary_id}": Rule("summaries:read"),
    "PUT /api/v1/summaries/{summary_id}": Rule("summaries:write"),
    "PATCH /api/v1/summaries/{summary_id}": Rule("summaries:write"),
    "DELETE /api/v1/summaries/{summary_id}": Rule("summaries:delete"),
    "GET /api/v1/summaries/tags": Rule("summaries:read"),
    "GET /api/v1/summaries/trash": Rule("summaries:read"),
    "DELETE /api/v1/summaries/trash": Rule("summaries:delete"),
    "DELETE /api/v1/summaries/trash/{summary_id}": Rule("summaries:delete"),
    "POST /api/v1/summaries/{summary_id}/restore": Rule("summaries:write"),
    "POST /api/v1/summaries/{summary_id}/retry": Rule("summaries:write"),
    "POST /api/v1/summaries/retry": Rule("summaries:write"),
    "POST /api/v1/summaries/{summary_id}/cancel": Rule("summaries:write"),
    "GET /api/v1/summaries/{summary_id}/events": Rule("summaries:read"),
    "POST /api/v1/summaries/ws-ticket": Rule("summaries:read"),
    "POST /api/v1/summaries/{summary_id}/regenerate": Rule("summaries:write"),
    "POST /api/v1/summaries/{summary_id}/refresh": Rule("summaries:write"),
    "GET /api/v1/summaries/{summary_id}/versions": Rule("summaries:read"),
    "GET /api/v1/summaries/{summary_id}/versions/{version_number}": Rule("summaries:read"),
    "GET /api/v1/summaries/{summary_id}/versions/{version_number}/diff": Rule("summaries:read"),
    "POST /api/v1/summaries/{summary_id}/share": Rule("summaries:write"),
    "GET /api/v1/summaries/{summary_id}/share": Rule("summaries:read"),
    "GET /api/v1/summaries/{summary_id}/share/qr": Rule("summaries:read"),
    "DELETE /api/v1/summaries/{summary_id}/share": Rule("summaries:write"),
    "POST /api/v1/summaries/feed": Rule("summaries:read", key=False),
    "DELETE /api/v1/summaries/feed": Rule("summaries:read", key=False),
    "GET /s/{share_id}": OPEN,
    "GET /feeds/{address}/atom.xml": OPEN,
    "GET /feeds/{address}/feed.json": OPEN,
    "POST /api/v1/auth/token": OPEN,
    "POST /api/v1/auth/refresh": OPEN,
    "POST /api/v1/auth/login": OPEN,
    "POST /api/v1/auth/cookie/refresh": OPEN,
    "POST /api/v1/auth/cookie/logout": OPEN,
    "POST /api/v1/auth/forgot-password": OPEN,
    "POST /api/v1/auth/reset-password": OPEN,
    "GET /api/v1/auth/sessions": Rule("profile:read"),
    "DELETE /api/v1/auth/sessions/{session_id}": Rule("profile:write"),
    "POST /api/v1/auth/logout": Rule("", key=False),
    "POST /api/v1/auth/logout-all": Rule("profile:write"),
    "POST /api/v1/auth/switch": Rule("profile:read", key=False),
    "POST /api/v1/auth/change-password": Rule("profile:write"),
    "GET /api/v1/auth/totp": Rule("profile:read"),
    "POST /api/v1/auth/totp/enroll": Rule("profile:write"),
    "POST /api/v1/auth/totp/confirm": Rule("profile:write"),
    "POST /api/v1/auth/totp/recovery-codes": Rule("profile:write"),
    "POST /api/v1/auth/totp/disable": Rule("profile:write"),
    "GET /api/v1/auth/oauth/providers": OPEN,
    "GET /api/v1/auth/oauth/links": Rule("profile:read"),
    "GET /api/v1/auth/oauth/{provider}/authorize": OPEN,
    "POST /api/v1/auth/oauth/{provider}/link": Rule("profile:write"),
    "GET /api/v1/auth/oauth/{provider}/callback": OPEN,
    "POST /api/v1/auth/oauth/{provider}/second-factor": OPEN,
    "DELETE /api/v1/auth/oauth/{provider}": Rule("profile:write"),
    "POST /api/v1/users/register": OPEN,
    "POST /api/v1/users/verify-request": OPEN,
    "POST /api/v1/users/verify": OPEN,
    "GET /api/v1/users/me": Rule("profile:read"),
    "PUT /api/v1/users/me": Rule("profile:write"),
    "PATCH /api/v1/users/me": Rule("profile:write"),
    "DELETE /api/v1/users/me": Rule("profile:write"),
    "GET /api/v1/users/me/export": Rule("profile:read", key=False),
    "POST /api/v1/api-keys": Rule("keys:write"),
    "GET /api/v1/api-keys": Rule("keys:read"),
    "POST /api/v1/api-keys/generate": Rule("keys:write"),
    "DELETE /api/v1/api-keys/revoke": Rule("keys:write"),
    "POST /api/v1/api-keys/report-leak": OPEN,
    "GET /api/v1/api-keys/{key_id}": Rule("keys:read"),
    "PATCH /api/v1/api-keys/{key_id}": Rule("keys:write"),
    "DELETE /api/v1/api-keys/{key_id}": Rule("keys:write"),
    "POST /api/v1/api-keys/{key_id}/rotate": Rule("keys:write"),
    "POST /api/v1/organizations": Rule("profile:write"),
    "GET /api/v1/organizations": Rule("org:read"),
    "GET /api/v1/organizations/{organization_id}": Rule("org:read"),
    "PATCH /api/v1/organizations/{organization_id}": Rule("org:write"),
    "DELETE /api/v1/organizations/{organization_id}": Rule("org:write", key=False),
    "POST /api/v1/organizations/{organization_id}/restore": Rule("profile:write"),
    "POST /api/v1/organizations/{organization_id}/leave": Rule("org:read", key=False),
    "POST /api/v1/organizations/{organization_id}/transfer": Rule("org:write", key=False),
    "GET /api/v1/organizations/{organization_id}/members": Rule("org:read"),
    "PATCH /api/v1/organizations/{organization_id}/members/{user_id}": Rule("org:write"),
    "DELETE /api/v1/organizations/{organization_id}/members/{user_id}": Rule("org:write"),
    "POST /api/v1/organizations/{organization_id}/invitations": Rule("org:write"),
    "GET /api/v1/organizations/{organization_id}/invitations": Rule("org:read"),
    "DELETE /api/v1/organizations/{organization_id}/invitations/{invitation_id}": Rule("org:write"),
    "POST /api/v1/organizations/{organization_id}/invitations/accept": Rule("profile:write"),
    "GET /api/v1/organizations/{organization_id}/usage": Rule("org:read"),
    "GET /api/v1/organizations/{organization_id}/audit-log": Rule("audit:read"),
    "GET /api/v1/organizations/{organization_id}/audit-log/export": Rule("audit:read"),
    "POST /api/v1/webhooks": Rule("webhooks:write"),
    "GET /api/v1/webhooks": Rule("webhooks:read"),
    "GET /api/v1/webhooks/callback-secret": Rule("webhooks:read"),
    "POST /api/v1/webhooks/callback-secret": Rule("webhooks:write"),
    "GET /api/v1/webhooks/{webhook_id}": Rule("webhooks:read"),
    "PATCH /api/v1/webhooks/{webhook_id}": Rule("webhooks:write"),
    "DELETE /api/v1/webhooks/{webhook_id}": Rule("webhooks:write"),
    "POST /api/v1/webhooks/{webhook_id}/rotate-secret": Rule("webhooks:write"),
    "POST /api/v1/webhooks/{webhook_id}/test": Rule("webhooks:write"),
    "GET /api/v1/webhooks/{webhook_id}/deliveries": Rule("webhooks:read"),
    "GET /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}": Rule("webhooks:read"),
    "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": Rule("webhooks:write"),
    "GET /api/v1/admin/dashboard": Rule("admin"),
    "GET /api/v1/admin/users": Rule("users:read"),
    "GET /api/v1/admin/users/{user_id}": Rule("users:read"),
    "PUT /api/v1/admin/users/{user_id}/role": Rule("users:write"),
    "POST /api/v1/admin/users/{user_id}/deactivate": Rule("users:write"),
    "POST /api/v1/admin/users/{user_id}/activate": Rule("users:write"),
    "POST /api/v1/admin/users/{user_id}/unlock": Rule("users:write"),
    "POST /api/v1/admin/users/{user_id}/impersonate": Rule("admin", key=False),
    "DELETE /api/v1/admin/users/{user_id}/impersonate": Rule("admin"),
    "GET /api/v1/admin/organizations": Rule("admin"),
    "PATCH /api/v1/admin/organizations/{organization_id}": Rule("admin"),
    # An organisation's own admins have audit:read as well: alone it would open the platform's log to them.
    "GET /api/v1/admin/audit-log": Rule("admin audit:read"),
    "GET /api/v1/admin/audit-log/export": Rule("admin audit:read"),
    "GET /api/v1/admin/jobs": Rule("admin"),
    "POST /api/v1/admin/jobs/{job_id}/retry": Rule("admin"),
    "GET /problems": OPEN,
    "GET /problems/{code}": OPEN,
    "GET /docs": OPEN,
    "GET /docs/assets/{name}": OPEN,
    "GET /redoc": OPEN,
    "GET /openapi.json": OPEN,
    "GET /ping": OPEN,
    "GET /bot": OPEN,
    "GET /health": OPEN,
    "GET /health/ready": OPEN,
    "GET /info": OPEN,
    "GET /metrics": OPEN,
    "GET /.well-known/jwks.json": OPEN,
}
# After these the caller's session is gone; the last ends the account too.
ENDING = ("POST /api/v1/auth/logout-all", "DELETE /api/v1/users/me")
