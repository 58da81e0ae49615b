"""Every POST that creates takes an Idempotency-Key, or stands here with a reason."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from app.core.idempotency_route import (
    IdempotentRoute,
    claim_for_same_scopes,
    claim_in_own_session,
    get_once,
)

pytestmark = pytest.mark.integration

# What a POST does that makes nothing which a client could have twice by retrying.
NOTHING_MADE_TWICE = {
    **dict.fromkeys(
        (
            *("/auth/token", "/auth/login", "/auth/refresh", "/auth/cookie/refresh", "/auth/switch"),
            *(
                "/auth/logout",
                "/auth/logout-all",
                "/auth/cookie/logout",
                "/auth/oauth/{provider}/second-factor",
            ),
            "/auth/oauth/{provider}/link",
        ),
        "a session begins, goes on or ends; a refresh knows retries by itself",
    ),
    **dict.fromkeys(
        ("/users/register", "/users/verify-request", "/users/verify"), "no principal; a name is taken once"
    ),
    **dict.fromkeys(("/auth/forgot-password", "/auth/reset-password"), "no principal; a token works once"),
    **dict.fromkeys(
        (
            *("/auth/change-password", "/auth/totp/enroll", "/auth/totp/confirm", "/auth/totp/disable"),
            "/auth/totp/recovery-codes",
        ),
        "changes the one that there is",
    ),
    **dict.fromkeys(
        (
            *("/organizations/{organization_id}/restore", "/organizations/{organization_id}/leave"),
            *("/organizations/{organization_id}/transfer", "/api-keys/report-leak"),
            "/organizations/{organization_id}/invitations/accept",
            *("/admin/users/{user_id}/deactivate", "/admin/users/{user_id}/activate"),
            *("/admin/users/{user_id}/unlock", "/admin/jobs/{job_id}/retry"),
            "/summaries/{summary_id}/restore",
            # The same delivery once more, under its own id, by which receivers know it.
            "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
        ),
        "changes the state of what it names; once more changes nothing more",
    ),
    **dict.fromkeys(
        ("/summaries/{summary_id}/cancel", "/summaries/retry"),
        "changes what is unfinished, or failed; once more finds nothing left to change",
    ),
    "/summaries/ws-ticket": "good for 30 seconds and one use; kept, it would be a secret",
    "/admin/users/{user_id}/impersonate": "a login of the staff's, short and audited each time",
}

# A link that GET shows again is none.
SHOWS_A_SECRET = {
    *("/api-keys", "/api-keys/generate", "/api-keys/{key_id}/rotate"),
    *("/webhooks", "/webhooks/callback-secret", "/webhooks/{webhook_id}/rotate-secret"),
    *("/organizations/{organization_id}/invitations", "/summaries/feed"),
}


def test_every_post_that_creates_takes_the_key(built_app: FastAPI, subtests: pytest.Subtests) -> None:
    for path, route in posts(built_app):
        calls = [dependency.call for dependency in route.dependant.dependencies]
        with subtests.test(path):
            assert takes_key(route.dependant) != (path.removeprefix("/api/v1") in NOTHING_MADE_TWICE)
            if takes_key(route.dependant):
                assert isinstance(route, IdempotentRoute)
                claims = [call for call in calls if call in {claim_in_own_session, claim_for_same_scopes}]
                assert claims == [] or claims == calls[-1:]


def test_what_shows_a_secret_is_repeated_to_the_same_scopes_only(built_app: FastAPI) -> None:
    by_scopes = {
        path.removeprefix("/api/v1")
        for path, route in posts(built_app)
        if any(each.call is claim_for_same_scopes for each in route.dependant.dependencies)
    }
    assert by_scopes == SHOWS_A_SECRET


def test_the_reference_names_the_header_on_exactly_these_routes(built_app: FastAPI) -> None:
    documented = {
        path
        for path, item in built_app.openapi()["paths"].items()
        for operation in item.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    }
    assert documented == {path for path, route in posts(built_app) if takes_key(route.dependant)}


def posts(app: FastAPI) -> list[tuple[str, APIRoute]]:
    contexts = [context for context in iter_route_contexts(app.routes) if "POST" in (context.methods or ())]
    return [
        (context.path or "", context.original_route)
        for context in contexts
        if isinstance(context.original_route, APIRoute)
    ]


def takes_key(dependant: Any) -> bool:  # Any: FastAPI's own type
    return dependant.call is get_once or any(takes_key(each) for each in dependant.dependencies)
