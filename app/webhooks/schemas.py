"""The bodies of the webhook routes."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from app.core.schemas import ChangeModel, JsonBool, RequestModel, ResponseModel, UtcDatetime
from app.outbox.deliveries import WebhookEvent
from app.reading.urls import MAX_URL_LENGTH
from app.webhooks.vocabulary import DeliveryFailure, DeliveryStatus, DisabledReason

# As text: a refusal shows the members of an enumeration as Python writes them.
SubscribableEvent = Literal[
    "summary.ready", "summary.failed", "summary.updated", "summary.deleted", "summary.restored"
]
SUBSCRIBABLE = 5


def _in_order(events: list[SubscribableEvent]) -> list[SubscribableEvent]:
    return list(dict.fromkeys(events))


# Too long a URL is refused with a code of its own.
Url = Annotated[
    str,
    Field(json_schema_extra={"maxLength": MAX_URL_LENGTH}, examples=["https://example.com/hooks/precis"]),
]
Events = Annotated[
    list[SubscribableEvent],
    Field(min_length=1, max_length=4 * SUBSCRIBABLE, examples=[["summary.ready", "summary.failed"]]),
    AfterValidator(_in_order),
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class WebhookIn(RequestModel):
    url: Url = Field(description="https, on a public host; ports 80, 443, 8080 and 8443.")
    events: Events
    description: Description | None = None


class WebhookChanges(ChangeModel):
    url: Url = Field("")
    events: Events = Field(default_factory=list)
    description: Description | None = None
    enabled: JsonBool = Field(True, description="true also forgets the failures that switched it off.")


class WebhookOut(ResponseModel):
    id: UUID
    url: str
    events: list[WebhookEvent]
    description: str | None
    enabled: bool
    disabled_reason: DisabledReason | None
    disabled_at: UtcDatetime | None
    secret_changed_at: UtcDatetime
    former_secret_until: UtcDatetime | None = Field(description="Until then deliveries have two signatures.")
    created_at: UtcDatetime
    updated_at: UtcDatetime


class WebhookCreated(WebhookOut):
    secret: str = Field(description="Shown this once.", examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class SecretOut(ResponseModel):
    """`changed_at` is null where no callback was ever sent and no secret made."""

    changed_at: UtcDatetime | None
    former_secret_until: UtcDatetime | None


class SecretRotated(ResponseModel):
    secret: str = Field(description="Shown this once.", examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    changed_at: UtcDatetime
    former_secret_until: UtcDatetime | None = Field(description="Until then deliveries have two signatures.")


class DeliveryOut(ResponseModel):
    """`id` is the header webhook-id. `next_attempt_at` is null once it is delivered or given up."""

    id: UUID
    event: WebhookEvent
    subject_id: UUID | None = Field(description="The summary that it is about.")
    status: DeliveryStatus
    attempts: int
    failure: DeliveryFailure | None = Field(description="Why the last try came to nothing.")
    response_status: int | None
    duration_ms: int | None
    created_at: UtcDatetime
    last_attempt_at: UtcDatetime | None
    next_attempt_at: UtcDatetime | None


class DeliveryWithBodies(DeliveryOut):
    payload: dict[str, Any] = Field(description="As it is sent.")  # Any: JSON
    response_body: str | None = Field(description="The beginning of the last answer.")
