"""A body larger than its route allows is refused: by its Content-Length at once, else when it grows past.

FastAPI's own `max_body_size` is not used: where Content-Length is too large it answers in plain text, behind
every error handler.
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import BodyTooLargeError
from app.core.problems import problem_response
from app.core.raw_headers import first_header

MEBIBYTE = 1024 * 1024
DEFAULT_LIMIT = MEBIBYTE

# Bytes, by method and path without trailing slash.
BodyLimits = Mapping[tuple[str, str], int]


class BodyLimitMiddleware:
    """`limits`: of what takes more than DEFAULT_LIMIT."""

    def __init__(self, app: ASGIApp, *, limits: BodyLimits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limits.get((scope["method"], scope["path"]), DEFAULT_LIMIT)
        if _declared_length(scope) > limit:
            await problem_response(scope, too_large(limit))(scope, receive, send)
            return
        received = 0

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # Not our own class: FastAPI turns any other error of reading a body into a 400.
                raise HTTPException(BodyTooLargeError.status)
            return message

        await self.app(scope, counting_receive, send)


def _declared_length(scope: Scope) -> int:
    """0 where it is absent; the server has refused what is no number."""
    length = first_header(scope["headers"], b"content-length")
    return int(length) if length is not None and length.isdigit() else 0


def too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"The body may have at most {limit} bytes here")
