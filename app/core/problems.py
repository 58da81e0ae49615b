"""Every failure as RFC 9457 `application/problem+json`, through the one function `problem_response`.

Routes get there by the handlers that `install_error_handlers` registers, middleware by calling it. What no
handler knows arrives at `middleware/unhandled.py`.
"""

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from app.core.allowed_methods import allowed_methods
from app.core.errors import (
    MEDIA_TYPE,
    BodyTooLargeError,
    FieldFault,
    InternalError,
    MalformedRequestError,
    MethodNotAllowedError,
    NotFoundError,
    ProblemError,
    UnavailableError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from app.core.http import state_of
from app.core.validation_faults import to_faults

FORM_HINT = "Send a form with the header Content-Type: application/x-www-form-urlencoded."

# What the framework raises itself; our own code raises catalogue classes.
_BY_STATUS: dict[int, type[ProblemError]] = {
    error.status: error
    for error in (
        NotFoundError,
        MethodNotAllowedError,
        BodyTooLargeError,
        UnsupportedMediaTypeError,
        UnavailableError,
    )
}


class ProblemResponse(Response):
    media_type = MEDIA_TYPE


def problem_response(scope: Scope, error: ProblemError) -> Response:
    """`scope` gives the request id and, by its app, what the problem's type begins with."""
    state_of(scope)["problem_code"] = error.code
    # Replaced, not refused: an unknown field's name may hold a lone surrogate, and comes back in a pointer.
    content = json.dumps(members_of(scope, error), ensure_ascii=False).encode("utf-8", "replace")
    headers = {"Cache-Control": "no-store", **error.public_headers}
    return ProblemResponse(content, status_code=error.status, headers=headers)


def members_of(scope: Scope, error: ProblemError) -> dict[str, Any]:  # Any: JSON
    members: dict[str, Any] = {
        "type": f"{scope['app'].state.settings.base_url}/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": state_of(scope).get("request_id"),
        "retryable": error.retryable,
    }
    if error.public_hint:
        members["hint"] = error.public_hint
    if error.faults:
        members["errors"] = [_fault(fault) for fault in error.faults]
    return members


def _fault(fault: FieldFault) -> dict[str, str]:
    return {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}


def from_validation(error: RequestValidationError, content_type: str) -> ProblemError:
    """Never echoes what was sent: pydantic's `input` and `ctx` may hold a password (stack trap 16)."""
    first = error.errors()[0] if error.errors() else {}
    if first.get("type") == "json_invalid":
        return MalformedRequestError(
            f"The body is not valid JSON at character {first['loc'][-1]}", hint="Send one JSON document."
        )
    # FastAPI hands on the raw bytes where the Content-Type does not say JSON, and faults their type.
    if isinstance(error.body, bytes):
        return UnsupportedMediaTypeError()
    if isinstance(error.body, FormData) and not error.body and "form" not in content_type:
        return UnsupportedMediaTypeError(hint=FORM_HINT)
    return ValidationFailedError(faults=to_faults(error))


def from_http_exception(error: HTTPException, scope: Scope) -> ProblemError:
    """The framework's own refusals; their detail is dropped, their headers (Allow) are kept."""
    fallback = InternalError if error.status_code >= InternalError.status else MalformedRequestError
    problem = _BY_STATUS.get(error.status_code, fallback)
    headers = dict(error.headers or {})
    if problem is MethodNotAllowedError:
        headers["Allow"] = allowed_methods(scope) or headers.get("Allow", "")
    return problem(headers=headers)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  # registered for it; narrows for mypy
    return problem_response(request.scope, error)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    content_type = request.headers.get("content-type", "").lower()
    return problem_response(request.scope, from_validation(error, content_type))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as above
    return problem_response(request.scope, from_http_exception(error, request.scope))


async def _on_broken_middleware(request: Request, _error: Exception) -> Response:
    """What fails outside of `middleware/unhandled.py`; it is raised again, so the server logs it."""
    return problem_response(request.scope, InternalError())


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(Exception, _on_broken_middleware)
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http_exception)
