"""What the organisation's webhooks are told of a summary: that it is so, and of private ones nothing more."""

from collections.abc import Mapping
from typing import Any

from app.core.schemas import to_rfc3339
from app.outbox.deliveries import WebhookEvent
from app.summaries.models import Summary
from app.summaries.vocabulary import Status, Visibility

# What of a row it takes.
COLUMNS = (
    Summary.organization_id,
    Summary.id,
    Summary.status,
    Summary.visibility,
    Summary.failure_reason,
    Summary.failure_retryable,
    Summary.url,
    Summary.title,
    Summary.language,
    Summary.created_at,
    Summary.updated_at,
    Summary.deleted_at,
)
BY_STATUS = {Status.READY: WebhookEvent.SUMMARY_READY, Status.FAILED: WebhookEvent.SUMMARY_FAILED}


def facts_of(row: Any) -> dict[str, object]:  # Any: a Summary, or a row of COLUMNS
    """Never the text: who may read it asks for it.

    An endpoint belongs to the whole organisation: of a private summary it learns no address and no title.
    """
    facts: dict[str, object] = {
        "id": str(row.id),
        "status": str(row.status),
        "visibility": str(row.visibility),
        "failure": _failure(row),
        "created_at": to_rfc3339(row.created_at),
        "updated_at": to_rfc3339(row.updated_at),
    }
    if row.visibility == Visibility.ORGANIZATION:
        facts |= {"url": row.url, "title": row.title, "language": row.language}
    return facts


def event_of(row: Any, written: Mapping[str, Any]) -> WebhookEvent | None:
    # Any: as above; column values
    """What it means that these columns were written; None for what is only on its way."""
    if "deleted_at" in written:
        gone = row.deleted_at is not None
        return WebhookEvent.SUMMARY_DELETED if gone else WebhookEvent.SUMMARY_RESTORED
    if "status" in written:
        return BY_STATUS.get(Status(row.status))
    return WebhookEvent.SUMMARY_UPDATED


def _failure(row: Any) -> dict[str, object] | None:  # Any: as above
    if row.failure_reason is None:
        return None
    return {"reason": row.failure_reason, "retryable": row.failure_retryable}
