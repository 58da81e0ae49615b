"""Words of the queue and of the counts, which the database and the answers share."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID


class JobStatus(StrEnum):
    TODO = "todo"
    DOING = "doing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ABORTING = "aborting"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Tallies:
    """How many of each subject are in each state, at this moment."""

    counts: dict[tuple[str, str], int]

    def of(self, subject: str) -> dict[str, int]:
        return {state: many for (name, state), many in self.counts.items() if name == subject}


def ids_of(args: Mapping[str, Any]) -> dict[str, UUID]:  # Any: JSON
    """Of a job's arguments only these: the others may hold an address, or what somebody wrote."""
    found = {name: _as_id(value) for name, value in args.items() if name.endswith("_id")}
    return {name: value for name, value in found.items() if value is not None}


def _as_id(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
