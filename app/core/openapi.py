"""The OpenAPI document: one shape of error everywhere, each route's own errors by their code."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.core.errors import (
    MEDIA_TYPE,
    BodyTooLargeError,
    InternalError,
    MalformedRequestError,
    NotFoundError,
    ProblemError,
    RateLimitedError,
    UnavailableError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from app.core.guard import InsufficientScopeError, UnauthenticatedError
from app.core.middleware.query_secrets import CredentialInQueryError
from app.core.openapi_headers import NUMBER, RETRY_AFTER, implied_headers
from app.core.openapi_limits import Json, limit_schemas
from app.core.openapi_security import describe_schemes, describe_security
from app.core.same_origin import CrossSiteRequestError

# For `openapi_extra`: this route asks for no credential, on purpose.
ANONYMOUS: dict[str, Any] = {"security": [{}]}  # Any: OpenAPI JSON
EVERYWHERE = (
    MalformedRequestError,
    CredentialInQueryError,
    ValidationFailedError,
    RateLimitedError,
    InternalError,
    UnavailableError,
)
GUARDED = (UnauthenticatedError, InsufficientScopeError, CrossSiteRequestError)
WITH_BODY = (BodyTooLargeError, UnsupportedMediaTypeError)

DESCRIPTION = """\
**Credentials.** Send `Authorization: Bearer <access token>` or `X-API-Key: <key>`, not both, not in the
URL. Pages of this service log in with cookies. Each operation names the scope that it needs.

**Errors** are problem details (RFC 9457, `application/problem+json`). Go by `code`; the page that
`type` names says what it means and what to do.

**Lists** take `limit` and `cursor`; `next_cursor` of one page is the `cursor` of the next.

**Limits** are announced on counted answers; after a 429 wait as long as `Retry-After` says.
"""
INFO: Json = {"description": DESCRIPTION, "contact": {"name": "The operator of this deployment"}}
# Relative: the document holds under whatever name it was asked for.
SERVERS: list[Json] = [
    {"url": "/", "description": "This deployment: production, staging or local.", "x-internal": False}
]

TEXT: Json = {"type": "string", "maxLength": 2000}
PROBLEM_SCHEMA: Json = {
    "title": "Problem",
    "description": "RFC 9457 problem details. `type` is a page this service serves.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "maxLength": 2000},
        "title": TEXT,
        "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
        "detail": TEXT,
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$", "maxLength": 100},
        "request_id": {"type": "string", "maxLength": 128},
        "hint": TEXT,
        "retryable": {"type": "boolean"},
        "errors": {
            "type": "array",
            "maxItems": 1000,
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {"pointer": TEXT, "code": TEXT, "detail": TEXT},
            },
        },
    },
}
RATE_HEADERS: Json = {
    "RateLimit": {
        "description": "IETF draft: what is left, and in how many seconds it is full again.",
        "schema": TEXT,
    },
    "RateLimit-Policy": {"description": "IETF draft: the limits.", "schema": TEXT},
    "X-RateLimit-Limit": {"description": "Requests in the window.", "schema": NUMBER},
    "X-RateLimit-Remaining": {"description": "Requests left.", "schema": NUMBER},
    "X-RateLimit-Reset": {
        "description": "Unix time, in seconds, at which it is full again.",
        "schema": NUMBER,
    },
}


def problems(*errors: type[ProblemError]) -> dict[int | str, Json]:
    """For a route's `responses=`: what this route may raise besides what every route may."""
    responses: dict[int | str, Json] = {}
    for error in errors:
        _add(responses, error)
    return responses


def _add(responses: dict[int | str, Json], error: type[ProblemError]) -> None:
    response = responses.setdefault(error.status, {"description": error.title, "content": {}})
    content = response["content"].setdefault(
        MEDIA_TYPE, {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
    )
    if error.title not in response["description"]:
        response["description"] += f"; {error.title}"
    content["examples"][error.code] = {"summary": error.title, "value": _example(error)}


def _example(error: type[ProblemError]) -> Json:
    return {
        "type": f"https://precis.example/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.title,
        "code": error.code,
        "request_id": "0192f0c1-5a2b-7c3d-8e4f-9a0b1c2d3e4f",
    }


def operation_id(route: APIRoute) -> str:
    """`{tag}_{name}`: what generated clients call it."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


def install_openapi(app: FastAPI) -> None:
    """Replaces `app.openapi` by one that completes FastAPI's document, once."""
    generate: Callable[[], Json] = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = complete(generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def complete(document: Json) -> Json:
    document["info"] |= INFO
    document["servers"] = SERVERS
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = PROBLEM_SCHEMA
    describe_schemes(components)
    for path, item in document["paths"].items():
        for operation in item.values():
            _add_implied_headers(operation, schemas)
            _complete_operation(operation, has_id="{" in path)
    # FastAPI's own error shapes, which no answer of ours has.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    limit_schemas(document)
    return document


def _add_implied_headers(operation: Json, schemas: Json) -> None:
    for status, response in operation["responses"].items():
        implied = implied_headers(operation, int(status), schemas)
        if implied:
            response["headers"] = {**implied, **response.get("headers", {})}


def _complete_operation(operation: Json, *, has_id: bool) -> None:
    responses = operation["responses"]
    if MEDIA_TYPE not in responses.get("422", {}).get("content", {}):
        responses.pop("422", None)
    guarded = operation.get("security") != ANONYMOUS["security"]
    errors = EVERYWHERE + (GUARDED if guarded else ()) + (WITH_BODY if "requestBody" in operation else ())
    found = {int(status): response for status, response in responses.items()}
    for error in (*errors, NotFoundError) if has_id else errors:
        _add_common(found, error)
    operation["responses"] = {str(status): _with_headers(status, found[status]) for status in sorted(found)}
    describe_security(operation)


def _add_common(responses: dict[int, Json], error: type[ProblemError]) -> None:
    if "content" not in responses.get(error.status, {}):
        responses[error.status] = problems(error)[error.status]
        return
    _add(responses, error)  # type: ignore[arg-type]  # int is a key of both


def _with_headers(status: int, response: Mapping[str, Any]) -> Json:
    headers = {**RATE_HEADERS, **(RETRY_AFTER if status == RateLimitedError.status else {})}
    return {**response, "headers": {**headers, **response.get("headers", {})}}
