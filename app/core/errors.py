"""The error catalogue's base: an expected failure carries what its answer needs.

A slice subclasses `ProblemError` in its own `errors.py` and its service raises it; the one handler in
`core/problems.py` renders it as RFC 9457 `application/problem+json`. Every subclass registers itself by
`code`, which is how `/problems/{code}` and docs/errors.md know them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import override

MEDIA_TYPE = "application/problem+json"
CATALOGUE: dict[str, type["ProblemError"]] = {}


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One refused field: `pointer` is a JSON pointer (RFC 6901) into the body, or `#/query/name` and kin."""

    pointer: str
    code: str
    detail: str


class ProblemError(Exception):
    """An expected failure with a public answer.

    `detail` is public. `internal` is for the log only. `commits` says that what the request wrote before it
    failed (a failed login's count, a revoked family) is kept: the transaction commits before the answer.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    meaning: ClassVar[str] = ""
    hint: ClassVar[str | None] = None
    retryable: ClassVar[bool] = False
    commits: ClassVar[bool] = False
    headers: ClassVar[Mapping[str, str]] = {}

    @override
    def __init_subclass__(cls, **kwargs: Any) -> None:  # Any: forwarded to object unchanged
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            if cls.code in CATALOGUE:
                raise TypeError(f"error code {cls.code!r} is declared twice")
            CATALOGUE[cls.code] = cls

    def __init__(
        self,
        detail: str | None = None,
        *,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
        faults: Sequence[FieldFault] = (),
        internal: str | None = None,
    ) -> None:
        super().__init__(internal or detail or self.title)
        self.detail = detail or self.title
        self.public_hint = hint or self.hint
        self.public_headers = {**self.headers, **(headers or {})}
        self.faults = tuple(faults)


class NotFoundError(ProblemError):
    code = "not_found"
    status = 404
    title = "Not found"
    meaning = "Nothing is at this address, or it is not visible to you."
    hint = "Check the path and the id; a list endpoint shows what you may see."


class MethodNotAllowedError(ProblemError):
    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"
    meaning = "The resource exists, but does not answer to this HTTP method."
    hint = "The Allow header names the methods that work."


class ValidationFailedError(ProblemError):
    code = "validation_failed"
    status = 422
    title = "The request is not valid"
    meaning = "One or more fields are missing, malformed or unknown. `errors` names each."
    hint = "Correct the fields that `errors` points at."


class MalformedRequestError(ProblemError):
    code = "malformed_request"
    status = 400
    title = "The request could not be read"
    meaning = "The request's form is broken: a header, an encoding or a token that cannot be parsed."


class BodyTooLargeError(ProblemError):
    code = "body_too_large"
    status = 413
    title = "The request body is too large"
    meaning = "The body exceeds the limit of this route."
    hint = "JSON bodies may have 1 MiB, html 5 MiB, uploads 20 MiB."


class UnsupportedMediaTypeError(ProblemError):
    code = "unsupported_media_type"
    status = 415
    title = "Unsupported media type"
    meaning = "The body's Content-Type is not one this route reads, or a file's bytes are of another type."
    hint = "Send JSON with the header Content-Type: application/json."


class RateLimitedError(ProblemError):
    code = "rate_limited"
    status = 429
    title = "Too many requests"
    meaning = "A limit on speed was reached. It says nothing about a plan's quota."
    hint = "Wait for the seconds in Retry-After, then try again."
    retryable = True


class InternalError(ProblemError):
    code = "internal_error"
    status = 500
    title = "Internal error"
    meaning = "Something failed that should not have. It has been reported; the request id finds it."
    hint = "Try again; if it persists, tell us the request id."
    retryable = True


class UnavailableError(ProblemError):
    """A dependency did not answer in time; nothing of the request was kept."""

    code = "unavailable"
    status = 503
    title = "Temporarily unavailable"
    meaning = "A part this request needs (the database, a full queue) did not answer in time."
    hint = "Try again after the seconds in Retry-After."
    retryable = True
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "2"}
