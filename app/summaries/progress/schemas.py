"""The bodies of watching and of trying again, and what is said over a WebSocket."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from app.core.schemas import JsonInt, Moment, RequestModel, ResponseModel
from app.reading.errors import Reason
from app.summaries.schemas import Tag

MOST_RETRIED = 500
MOST_WATCHED = 100


class TicketView(ResponseModel):
    ticket: str = Field(description="Good for one WebSocket, as its subprotocol `ticket.…`.")
    expires_in: int = Field(description="Seconds.")


class RetryWish(RequestModel):
    """Which of my failed summaries; all conditions must hold."""

    reasons: Annotated[list[Reason], Field(min_length=1, max_length=len(Reason))] | None = Field(
        None, description="Left out: those that a retry can mend.", examples=[["timeout", "connect"]]
    )
    tag: Tag | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    limit: JsonInt = Field(MOST_RETRIED, ge=1, le=MOST_RETRIED)


class RetryView(ResponseModel):
    retried: int
    left: int = Field(description="Failed ones that match and were not retried: ask again.")
    ids: list[UUID]


class Introduction(RequestModel):
    type: Literal["auth"]
    token: str | None = Field(None, max_length=4096)
    ticket: str | None = Field(None, max_length=200)

    @model_validator(mode="after")
    def _exactly_one(self) -> "Introduction":
        if (self.token is None) == (self.ticket is None):
            raise PydanticCustomError("credential", "Send either token or ticket")
        return self


class WatchWish(RequestModel):
    """`ids` left out: every summary that I may see."""

    type: Literal["watch"]
    ids: Annotated[list[UUID], Field(max_length=MOST_WATCHED)] | None = None


class Ping(RequestModel):
    type: Literal["ping"]


ClientMessage = Annotated[Introduction | WatchWish | Ping, Field(discriminator="type")]
CLIENT_MESSAGE: TypeAdapter[Introduction | WatchWish | Ping] = TypeAdapter(ClientMessage)
