"""The site map: every router, what is answered before routing, how large a body may be.

`docs/endpoints.md` lists all routes.
"""

from fastapi import APIRouter, Depends, FastAPI

from app.accounts.privacy_router import router as privacy
from app.accounts.recovery_router import password_router, verification_router
from app.accounts.router import router as accounts
from app.admin.people_router import router as staff_people
from app.admin.router import router as staff
from app.admin.tenants_router import router as staff_tenants
from app.api_keys.router import router as api_keys
from app.auth.browser_router import router as browser
from app.auth.early_refresh import early_refresh
from app.auth.oauth.router import callback_router as oauth_callback
from app.auth.oauth.router import router as oauth
from app.auth.own_sessions.router import router as own_sessions
from app.auth.password_change.router import router as password_change
from app.auth.router import router as auth
from app.auth.second_factor.router import router as second_factor
from app.core.early.middleware import EarlyRoute
from app.core.known_query import refuse_unknown_query
from app.core.middleware.body_limit import MEBIBYTE, BodyLimits
from app.core.routing import GatedRouter
from app.health.router import router as health
from app.organizations.audit_log_router import router as audit_log
from app.organizations.invitations.router import router as invitations
from app.organizations.router import router as organizations
from app.organizations.usage.router import router as usage
from app.summaries.batches.router import router as batches
from app.summaries.early import early_count, early_list, early_read
from app.summaries.exports.router import router as exports
from app.summaries.feeds.public import router as public_feeds
from app.summaries.feeds.router import router as feeds
from app.summaries.imports.router import router as imports
from app.summaries.progress.router import router as progress
from app.summaries.progress.socket import router as sockets
from app.summaries.router import router as summaries
from app.summaries.search.router import router as search
from app.summaries.sharing.public import router as shared_pages
from app.summaries.sharing.router import router as sharing
from app.summaries.taking.early import early_submission
from app.summaries.trash.router import router as trash
from app.summaries.uploads.router import router as uploads
from app.summaries.versions.router import router as versions
from app.webhooks.deliveries_router import router as webhook_deliveries
from app.webhooks.router import router as webhooks

API = "/api/v1"

# Hot ones first: matching walks this list, and the routes of those that hold a path like the one asked for.
ROUTERS: tuple[tuple[str, str, APIRouter], ...] = (
    # Before /summaries/{summary_id}, which would take their names for ids.
    (f"{API}/summaries", "exports", exports),
    (f"{API}/summaries", "uploads", uploads),
    (f"{API}/summaries", "batches", batches),
    (f"{API}/summaries", "imports", imports),
    (f"{API}/summaries", "search", search),
    (f"{API}/summaries", "trash", trash),
    (f"{API}/summaries", "versions", versions),
    (f"{API}/summaries", "feeds", feeds),
    (f"{API}/summaries", "summaries", summaries),
    (f"{API}/summaries", "progress", progress),
    (f"{API}/summaries", "sharing", sharing),
    ("", "shared_pages", shared_pages),
    ("", "public_feeds", public_feeds),
    (f"{API}/auth", "auth", auth),
    (f"{API}/auth", "auth", browser),
    (f"{API}/auth", "auth", own_sessions),
    (f"{API}/auth", "auth", password_change),
    (f"{API}/auth/totp", "second_factor", second_factor),
    (f"{API}/users", "accounts", accounts),
    (f"{API}/users", "accounts", privacy),
    (f"{API}/auth/oauth", "oauth", oauth),
    (f"{API}/auth/oauth", "oauth", oauth_callback),
    (f"{API}/users", "accounts", verification_router),
    (f"{API}/auth", "accounts", password_router),
    (f"{API}/api-keys", "api_keys", api_keys),
    (f"{API}/organizations", "organizations", organizations),
    (f"{API}/organizations", "invitations", invitations),
    (f"{API}/organizations", "usage", usage),
    (f"{API}/organizations", "audit_log", audit_log),
    (f"{API}/webhooks", "webhooks", webhooks),
    (f"{API}/webhooks", "webhooks", webhook_deliveries),
    (f"{API}/admin", "admin", staff),
    (f"{API}/admin", "admin", staff_people),
    (f"{API}/admin", "admin", staff_tenants),
    ("", "health", health),
    ("", "progress", sockets),
)

# Answered before routing as their routes would, where the request is a plain one.
EARLY: tuple[EarlyRoute, ...] = (
    # Before what reads one summary, which takes whatever stands in its place for an id.
    early_count(f"{API}/summaries"),
    early_read(f"{API}/summaries"),
    early_list(f"{API}/summaries"),
    early_submission(f"{API}/summaries"),
    early_refresh(f"{API}/auth"),
)

# What takes whole pages or files. A form's boundaries need room beside its file.
BODY_LIMITS: BodyLimits = {
    # 5 MiB of HTML, whose quotes, newlines and non-ASCII letters JSON may escape.
    ("POST", f"{API}/summaries"): 10 * MEBIBYTE,
    ("POST", f"{API}/summaries/batch"): 5 * MEBIBYTE,
    ("POST", f"{API}/summaries/upload"): 21 * MEBIBYTE,
    ("POST", f"{API}/summaries/import"): 5 * MEBIBYTE,
}

# What the reference says of each tag.
TAGS = {
    "summaries": "Summaries of web pages, texts and documents.",
    "progress": "Watching summaries being made, stopping them, trying again.",
    "exports": "All summaries at once, as a file.",
    "uploads": "Summaries of documents.",
    "batches": "Several summaries asked for at once.",
    "imports": "Summaries of every page on a list.",
    "search": "What there is to look for.",
    "versions": "What a summary said before it was made anew.",
    "trash": "What was thrown away: restored, or erased for good.",
    "sharing": "Links by which anybody can read one summary.",
    "shared_pages": "What such a link leads to. No credential but the link.",
    "feeds": "The private address of a feed of my summaries.",
    "public_feeds": "Feeds for feed readers. No credential but the address.",
    "auth": "Logging in, and staying logged in.",
    "second_factor": "A second factor for my own account: codes of an authenticator app (TOTP).",
    "oauth": "Logging in by another provider.",
    "accounts": "Registration, one's own profile, and what mails confirm.",
    "api_keys": "Keys for machines.",
    "organizations": "The tenants: who belongs to them, and as what.",
    "audit_log": "Who did what in an organisation.",
    "usage": "What an organisation has used of its plan.",
    "invitations": "How somebody joins an organisation.",
    "webhooks": "Being told of what happens, by signed calls to a URL of one's own.",
    "admin": "For the platform's staff: people, organisations, logs and the queue.",
    "health": "Probes, and what the service says of itself and of its errors. No credential.",
}


def include_routers(app: FastAPI) -> None:
    for prefix, tag, router in ROUTERS:
        # Other providers add parameters to our callback; who passes a public link on decorates it.
        is_strict = prefix.startswith(API) and router is not oauth_callback
        dependencies = [Depends(refuse_unknown_query)] if is_strict else []
        root = API if prefix.startswith(API) else ""
        gated = GatedRouter(
            router, root=root, prefix=prefix.removeprefix(root), tags=[tag], dependencies=dependencies
        )
        app.include_router(gated, prefix=root)
    app.openapi_tags = [{"name": name, "description": description} for name, description in TAGS.items()]
