"""No credential in a URL: it would stay in histories, proxies' logs and Referer headers (RFC 9700, 4.3.2)."""

from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.errors import ProblemError
from app.core.problems import problem_response

API_PREFIX = "/api/"
# In lower case, with - as _.
CREDENTIALS = frozenset(
    {
        *("access_token", "refresh_token", "id_token", "bearer_token", "auth_token", "token", "jwt"),
        *("api_key", "apikey", "x_api_key", "authorization", "bearer"),
        *("password", "current_password", "new_password", "client_secret"),
    }
)


class CredentialInQueryError(ProblemError):
    code = "credential_in_query"
    status = 400
    title = "A credential stands in the URL"
    meaning = "URLs are kept in histories and logs on the way, so none may hold a token, a key or a password."
    hint = "Send it in a header or in the body, and replace the one you just sent: it may have been logged."


class QuerySecretsMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope.get("query_string")
        if scope["type"] == "http" and query and scope["path"].startswith(API_PREFIX):
            name = credential_in(query)
            if name is not None:
                error = CredentialInQueryError(f"The query parameter {name!r} may hold a credential")
                await problem_response(scope, error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def credential_in(query: bytes) -> str | None:
    """The first parameter that is called like a credential; of the table's spelling, never as it was sent."""
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        normal = name.strip().lower().replace("-", "_")
        if normal in CREDENTIALS:
            return normal
    return None
