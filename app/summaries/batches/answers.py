"""What became of each, as the 207 tells it."""

from dataclasses import replace

from fastapi import Request, Response

from app.core.errors import FieldFault, ProblemError
from app.core.idempotency_seal import Answer
from app.core.problems import members_of
from app.summaries import answers
from app.summaries.batches.schemas import ItemProblem, ItemResult
from app.summaries.batches.service import Taken
from app.summaries.duplicates import Submission
from app.summaries.schemas import SummaryView

MULTI_STATUS = 207


def item_result(
    index: int, taken: Taken, request: Request, *, pointer: str = "", name: str | None = None
) -> ItemResult:
    """`pointer` leads to the item in the body."""
    if isinstance(taken, Submission):
        return _made(index, taken, request, name=name)
    if isinstance(taken, Answer):
        return _made_before(index, taken, name=name)
    return ItemResult(
        index=index, name=name, status=taken.status, problem=_problem(taken, request, pointer=pointer)
    )


def _made(index: int, submission: Submission, request: Request, *, name: str | None) -> ItemResult:
    response = Response(status_code=202)
    view = answers.submitted(submission, request, response)
    location = response.headers.get("Location")
    return ItemResult(index=index, name=name, status=response.status_code, location=location, summary=view)


def _made_before(index: int, answer: Answer, *, name: str | None) -> ItemResult:
    location = {key.lower(): value for key, value in answer.headers}.get("location")
    view = SummaryView.model_validate_json(answer.body)
    return ItemResult(index=index, name=name, status=answer.status, location=location, summary=view)


def _problem(error: ProblemError, request: Request, *, pointer: str) -> ItemProblem:
    members = members_of(request.scope, error)
    faults = [replace(fault, pointer=_within(pointer, fault)) for fault in error.faults]
    return ItemProblem.model_validate(members | {"errors": faults})


def _within(pointer: str, fault: FieldFault) -> str:
    return pointer + fault.pointer
