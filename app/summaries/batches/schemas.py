"""Several at once: what comes in one by one, and is answered one by one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, ValidationError
from pydantic_core import core_schema

from app.core.schemas import ResponseModel
from app.summaries.schemas import SummaryDraft, SummaryView

MAX_ITEMS = 100


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """A draft that is none; `sent` only tells the faults where they are."""

    error: ValidationError
    sent: object


Judged = SummaryDraft | RefusedItem


def _judge(sent: object, validate: Callable[[object], SummaryDraft]) -> Judged:
    try:
        return validate(sent)
    except ValidationError as error:
        return RefusedItem(error, sent)


# To clients it is a SummaryDraft; here one bad item does not make the whole body bad.
JudgedItem = Annotated[
    Judged,
    GetPydanticSchema(
        lambda _source, handler: core_schema.no_info_wrap_validator_function(
            _judge, handler.generate_schema(SummaryDraft)
        )
    ),
]


class BatchIn(BaseModel):
    """Not a RequestModel: an unstorable string is its item's own fault."""

    model_config = ConfigDict(extra="forbid")

    items: list[JudgedItem] = Field(min_length=1, max_length=MAX_ITEMS)


class FaultView(ResponseModel):
    pointer: str
    code: str
    detail: str


class ItemProblem(ResponseModel):
    """The problem document that this item alone would have been answered with."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    retryable: bool
    hint: str | None = None
    errors: list[FaultView] = Field([], description="Pointers lead through the whole body.")


class ItemResult(ResponseModel):
    """`summary`, or `problem`."""

    index: int = Field(description="The item's place in the request, from 0.")
    name: str | None = Field(None, description="Of a file, as it is kept.")
    status: int = Field(description="202 accepted, 200 where there was an equal one, or the problem's.")
    location: str | None = None
    summary: SummaryView | None = None
    problem: ItemProblem | None = None


class BatchView(ResponseModel):
    items: list[ItemResult]
