"""Making a summary anew: `summaries.pending` says how, while the row keeps what it says until the new one is.

So a failure loses nothing: the summary is ready again, as it was, and `failure` tells what went wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, case, func, null

from app.summaries.models import Summary
from app.summaries.vocabulary import Status


class RedoKind(StrEnum):
    """`regenerate` summarises the stored text, `refresh` fetches the page again."""

    REGENERATE = "regenerate"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Redo:
    """`options` are all of them, as they will be of the new summary."""

    kind: RedoKind
    options: Mapping[str, Any]  # Any: JSON

    def to_pending(self) -> dict[str, Any]:  # Any: JSON
        return {"kind": self.kind, "options": dict(self.options)}


def redo_of(summary: Summary) -> Redo | None:
    """None where it is being made for the first time, or tried again after a failure."""
    pending = summary.pending
    return None if pending is None else Redo(RedoKind(pending["kind"]), pending["options"])


def is_refresh(summary: Summary) -> bool:
    redo = redo_of(summary)
    return redo is not None and redo.kind is RedoKind.REFRESH


def queued_values(redo: Redo | None) -> dict[str, Any]:  # Any: column values
    # Who waits for what was tried again waits on; who was called of what was, did not ask for the new.
    forgotten: dict[str, Any] = {} if redo is None else {"also_call": []}  # Any: as above
    return {
        **forgotten,
        "status": Status.QUEUED,
        "failure_reason": None,
        "failure_retryable": None,
        "stages": {},
        "asked_at": func.now(),
        "pending": null() if redo is None else redo.to_pending(),
    }


def ended_without_result() -> dict[str, Any]:  # Any: SQL
    """Also for who cancels: failed, or ready as before where there is something to go back to."""
    has_former = and_(Summary.pending.is_not(None), Summary.summary.is_not(None))
    return {"status": case((has_former, Status.READY.value), else_=Status.FAILED.value), "pending": null()}
