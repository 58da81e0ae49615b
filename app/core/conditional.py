"""Entity tags made of what is answered, and If-Match against what is there (RFC 9110, section 13)."""

import hashlib
from dataclasses import dataclass

from app.core.errors import ProblemError
from app.core.http import matches_if_match, strong_etag
from app.core.schemas import ResponseModel

TAG_CHARACTERS = 32


class PreconditionFailedError(ProblemError):
    code = "precondition_failed"
    status = 412
    title = "It has changed since you read it"
    meaning = "If-Match names a version that is not the current one, so nothing was written."
    hint = "Read it again, merge your change, and send the new ETag in If-Match."


def etag_of_model(model: ResponseModel) -> str:
    """Changes with any byte of the body."""
    return strong_etag(hashlib.sha256(model.model_dump_json().encode()).hexdigest()[:TAG_CHARACTERS])


@dataclass(frozen=True, slots=True)
class Precondition:
    """A request's If-Match; `model` is what the resource is answered as."""

    if_match: str | None
    model: type[ResponseModel]

    def demand(self, row: object) -> None:
        """`row` as it is, under a lock. Raises PreconditionFailedError."""
        if self.if_match is None:
            return
        if not matches_if_match(self.if_match, etag_of_model(self.model.model_validate(row))):
            raise PreconditionFailedError
