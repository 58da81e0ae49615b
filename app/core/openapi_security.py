"""What the OpenAPI document says of credentials: the schemes, and for each operation the scopes it needs."""

from collections.abc import Mapping

from app.core.browser_cookies import SECURE_ACCESS
from app.core.guard import GUARD, RecentLoginRequiredError
from app.core.openapi_limits import Json
from app.core.principal import KEY_SCOPES, Scope

# Relative to the document, as all its addresses are.
TOKEN_URL = "/api/v1/auth/token"  # noqa: S105  # an address
REFRESH_URL = "/api/v1/auth/refresh"

MEANINGS: Mapping[Scope, str] = {
    Scope.PROFILE_READ: "Read your profile.",
    Scope.PROFILE_WRITE: "Change your profile, password and second factor, end sessions, close the account.",
    Scope.SUMMARIES_READ: "Read summaries.",
    Scope.SUMMARIES_WRITE: "Make and change summaries.",
    Scope.SUMMARIES_DELETE: "Delete summaries.",
    Scope.WEBHOOKS_READ: "Read webhooks and their deliveries.",
    Scope.WEBHOOKS_WRITE: "Make, change and delete webhooks.",
    Scope.KEYS_READ: "List your API keys, by prefix.",
    Scope.KEYS_WRITE: "Make, change, rotate and revoke your API keys.",
    Scope.ORG_READ: "Read the organisation and its members.",
    Scope.ORG_WRITE: "Change the organisation, its members and invitations.",
    Scope.USERS_READ: "Platform staff: read all accounts.",
    Scope.USERS_WRITE: "Platform staff: change accounts.",
    Scope.AUDIT_READ: "Read the audit log.",
    Scope.ADMIN: "Platform staff: the dashboard, organisations and jobs.",
}
ACCESS_TOKEN: Json = {
    "type": "oauth2",
    # The linter looks for RFC8725 in one word.
    "description": "An access token (a JWT, verified by RFC8725), as Authorization: Bearer. Who asks for no "
    "scope gets all that their roles allow; who asks, what of it they allow.",
    "flows": {
        "password": {
            "tokenUrl": TOKEN_URL,
            "refreshUrl": REFRESH_URL,
            "scopes": {str(scope): meaning for scope, meaning in MEANINGS.items()},
        }
    },
}
API_KEY: Json = {"type": "apiKey", "description": "An API key.", "in": "header", "name": "X-API-Key"}
BROWSER_COOKIE: Json = {
    "type": "apiKey",
    "description": "A page's own login (POST /api/v1/auth/login), ignored beside a header. "
    "Writing needs Sec-Fetch-Site: same-origin, or our Origin.",
    "in": "cookie",
    "name": SECURE_ACCESS,
}
BEARER_KEY: Json = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "prc_live_...",
    "description": "An API key, as `Authorization: Bearer`.",
}
# An operation that may answer one of these is for somebody who logged in.
STEP_UP = "x-step-up"
# For `openapi_extra`: only some uses of the operation take a recent login, so a key may pass.
STEP_UP_FOR_SOME: Json = {STEP_UP: "for some"}
LOGIN_ONLY = {RecentLoginRequiredError.code, "session_required"}
SCHEMES: Json = {
    "AccessToken": ACCESS_TOKEN,
    "ApiKey": API_KEY,
    "BrowserCookie": BROWSER_COOKIE,
    "ApiKeyAsBearer": BEARER_KEY,
}


def describe_schemes(components: Json) -> None:
    """To FastAPI the guard is one scheme; clients are told of each kind of credential that it takes."""
    if components.get("securitySchemes"):
        components["securitySchemes"] = SCHEMES


def describe_security(operation: Json) -> None:
    """The alternatives by their own names; an API key only where one may ever pass."""
    guarded = [item[GUARD] for item in operation.get("security", []) if GUARD in item]
    if not guarded:
        return
    scopes = sorted(guarded[0])
    named = ["AccessToken", "BrowserCookie"]
    # Without a scope an operation is about the login itself, as logging out is.
    for_some = operation.pop(STEP_UP, None)
    if scopes and KEY_SCOPES.issuperset(scopes) and (for_some or not _refuses_keys(operation)):
        named += ["ApiKey", "ApiKeyAsBearer"]
    operation["security"] = [{name: scopes} for name in named]
    _name_scopes(operation, scopes)


def _refuses_keys(operation: Json) -> bool:
    contents = operation["responses"].get("403", {}).get("content", {}).values()
    return any(LOGIN_ONLY.intersection(content.get("examples", {})) for content in contents)


def _name_scopes(operation: Json, scopes: list[str]) -> None:
    """In words too: not every reader of the document shows scopes."""
    if scopes:
        listed = ", ".join(f"`{scope}`" for scope in scopes)
        needs = f"Needs the scope{'s' if len(scopes) > 1 else ''} {listed}."
        operation["description"] = "\n\n".join(filter(None, [operation.get("description"), needs]))
