"""One resource as an answer with its entity tag; 304 to whoever has it already."""

from typing import Annotated, Any, TypeVar

from fastapi import Header, Response

from app.core.conditional import etag_of_model
from app.core.http import MAX_HEADER_LENGTH, matches_if_none_match
from app.core.schemas import ResponseModel

Model = TypeVar("Model", bound=ResponseModel)

# The answer is this caller's, and has to be asked for anew: with the entity tag that costs a 304.
REVALIDATE = "private, no-cache"
UNCHANGED: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI JSON
    304: {"description": "Not changed since If-None-Match."}
}

IfMatch = Annotated[str | None, Header(max_length=MAX_HEADER_LENGTH)]
IfNoneMatch = Annotated[str | None, Header(max_length=MAX_HEADER_LENGTH)]


def tagged(model: Model, response: Response) -> Model:
    """What was just changed: its new tag may be sent in the next If-Match."""
    response.headers["ETag"] = etag_of_model(model)
    return model


def read_answer(model: ResponseModel, if_none_match: str | None) -> Response:
    headers = {"ETag": etag_of_model(model), "Cache-Control": REVALIDATE}
    if matches_if_none_match(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(model.model_dump_json(), media_type="application/json", headers=headers)
