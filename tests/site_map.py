"""Every route of the app as its own table says it, for the claims that must hold everywhere."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import WebSocketRoute

from app.core.ids import new_id
from app.core.openapi import ANONYMOUS

PARAMETER = re.compile(r"\{(\w+)\}")

# A body that each route takes; a new route with a body stands here, or the tests of access fail.
BODIES: dict[tuple[str, str], dict[str, Any]] = {  # Any: the client's own options
    ("POST", "/api/v1/summaries"): {"json": {"text": "A sentence to be summarised. " * 20}},
    ("POST", "/api/v1/summaries/upload"): {
        "files": {"file": ("a.txt", b"A sentence to be summarised. " * 20)}
    },
    ("POST", "/api/v1/summaries/import"): {"files": {"file": ("a.txt", b"https://a.example/")}},
    ("POST", "/api/v1/summaries/batch"): {
        "json": {"items": [{"text": "A sentence to be summarised. " * 20}]}
    },
    ("PUT", "/api/v1/summaries/{summary_id}"): {"json": {"notes": "mine"}},
    ("PATCH", "/api/v1/summaries/{summary_id}"): {"json": {"notes": "mine"}},
    ("POST", "/api/v1/summaries/{summary_id}/regenerate"): {"json": {"length": "short"}},
    ("POST", "/api/v1/summaries/retry"): {"json": {"limit": 10}},
    ("POST", "/api/v1/summaries/{summary_id}/share"): {"json": {"expires_in_days": 7}},
    ("POST", "/api/v1/auth/token"): {"data": {"username": "nobody", "password": "nothing"}},
    ("POST", "/api/v1/auth/login"): {"data": {"username": "nobody", "password": "nothing"}},
    ("POST", "/api/v1/auth/refresh"): {"json": {"refresh_token": "rt1_nonsense"}},
    ("POST", "/api/v1/auth/logout"): {"json": {"refresh_token": "rt1_nonsense"}},
    ("POST", "/api/v1/auth/change-password"): {
        "json": {"current_password": "wrong", "new_password": "Walnut-Bridge-42-rain"}
    },
    ("POST", "/api/v1/auth/oauth/{provider}/second-factor"): {"json": {"totp": "000000"}},
    ("POST", "/api/v1/auth/switch"): {"json": {"organization_id": "nonsense"}},
    **{
        ("POST", f"/api/v1/auth/totp/{action}"): {"json": {"code": "000000"}}
        for action in ("confirm", "recovery-codes", "disable")
    },
    ("POST", "/api/v1/users/register"): {
        "json": {"username": "dora", "email": "dora@example.com", "password": "Walnut-Bridge-42-rain"}
    },
    ("POST", "/api/v1/users/verify-request"): {"json": {"email": "nobody@example.com"}},
    ("POST", "/api/v1/users/verify"): {"json": {"token": "nonsense"}},
    ("POST", "/api/v1/auth/forgot-password"): {"json": {"email": "nobody@example.com"}},
    ("POST", "/api/v1/auth/reset-password"): {
        "json": {"token": "nonsense", "new_password": "Walnut-Bridge-42-rain"}
    },
    ("PUT", "/api/v1/users/me"): {"json": {"full_name": "Alice"}},
    ("PATCH", "/api/v1/users/me"): {"json": {"full_name": "Alice"}},
    ("POST", "/api/v1/organizations"): {"json": {"name": "Lab"}},
    ("PATCH", "/api/v1/organizations/{organization_id}"): {"json": {"name": "Lab"}},
    ("POST", "/api/v1/organizations/{organization_id}/transfer"): {"json": {"user_id": str(new_id())}},
    ("PATCH", "/api/v1/organizations/{organization_id}/members/{user_id}"): {"json": {"role": "viewer"}},
    ("POST", "/api/v1/organizations/{organization_id}/invitations"): {"json": {"email": "dora@example.com"}},
    ("POST", "/api/v1/organizations/{organization_id}/invitations/accept"): {"json": {"token": "inv1_x"}},
    ("PUT", "/api/v1/admin/users/{user_id}/role"): {"json": {"role": "moderator"}},
    ("POST", "/api/v1/admin/users/{user_id}/impersonate"): {
        "json": {"organization_id": str(new_id()), "reason": "ticket 4711"}
    },
    ("PATCH", "/api/v1/admin/organizations/{organization_id}"): {"json": {"plan": "pro"}},
    ("POST", "/api/v1/webhooks"): {"json": {"url": "https://example.com/hook", "events": ["summary.ready"]}},
    ("PATCH", "/api/v1/webhooks/{webhook_id}"): {"json": {"description": "mine"}},
    ("POST", "/api/v1/api-keys"): {"json": {"name": "key"}},
    ("PATCH", "/api/v1/api-keys/{key_id}"): {"json": {"name": "key"}},
    ("POST", "/api/v1/api-keys/{key_id}/rotate"): {"json": {"overlap_seconds": 60}},
    ("POST", "/api/v1/api-keys/report-leak"): {"json": {"api_key": "prc_live_nonsense"}},
}


@dataclass(frozen=True, slots=True)
class Route:
    """`scopes` are those that its permission alias demands; `operation` is its part of OpenAPI, if any."""

    method: str
    path: str
    scopes: frozenset[str]
    operation: dict[str, Any] | None  # Any: OpenAPI JSON

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_for_staff(self) -> bool:
        """Of the platform: to everybody else it is 403, whatever id it names."""
        return self.path.startswith("/api/v1/admin/")

    @property
    def is_anonymous(self) -> bool:
        return self.operation is not None and self.operation.get("security") == ANONYMOUS["security"]

    @property
    def body(self) -> dict[str, Any]:  # Any: the client's own options
        return BODIES.get((self.method, self.path), {})

    @property
    def content_types(self) -> list[str]:
        body = (self.operation or {}).get("requestBody", {})
        return list(body.get("content", {}))

    def documented(self, status: int) -> set[str]:
        """The error codes that the reference names for this status."""
        response = (self.operation or {}).get("responses", {}).get(str(status), {})
        return set(response.get("content", {}).get("application/problem+json", {}).get("examples", {}))

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.path)

    def fill(self, *values: object) -> str:
        """The path with these values for its parameters; the last one also for those that are left."""
        pending = list(values)
        return PARAMETER.sub(lambda _: str(pending.pop(0) if len(pending) > 1 else pending[0]), self.path)


def routes_of(app: FastAPI) -> list[Route]:
    return [route for context in http_contexts(app) for route in _routes(app, context)]


def http_contexts(app: FastAPI) -> list[RouteContext]:
    """Without the WebSocket, which answers to no method and has tests of its own."""
    contexts = iter_route_contexts(app.routes)
    return [context for context in contexts if not isinstance(context.original_route, WebSocketRoute)]


def _routes(app: FastAPI, context: RouteContext) -> Iterator[Route]:
    assert isinstance(context.original_route, APIRoute)
    assert context.path is not None
    scopes = frozenset(_scopes(context.original_route.dependant))
    item = app.openapi()["paths"].get(context.path, {})
    for method in context.methods or ():
        yield Route(method, context.path, scopes, item.get(method.lower()))


def _scopes(dependant: Dependant) -> Iterator[str]:
    yield from dependant.own_oauth_scopes or ()
    for dependency in dependant.dependencies:
        yield from _scopes(dependency)
