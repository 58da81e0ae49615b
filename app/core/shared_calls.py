"""A call that several share: each brings an entry, waits by its own future, and is given its own outcome."""

import asyncio
from collections.abc import Iterable, Sequence
from copy import copy
from typing import TypeVar

Entry = TypeVar("Entry")
Outcome = TypeVar("Outcome")
Shared = list[tuple[Entry, asyncio.Future[Outcome]]]


def still_waiting(callers: Iterable[tuple[Entry, asyncio.Future[Outcome]]]) -> Shared[Entry, Outcome]:
    """Without those who have left."""
    return [(entry, future) for entry, future in callers if not future.done()]


def hand_out(callers: Shared[Entry, Outcome], outcomes: Sequence[Outcome]) -> None:
    """Each in its place, to whoever has not left meanwhile."""
    for (_, future), outcome in zip(callers, outcomes, strict=True):
        if not future.done():
            future.set_result(outcome)


def fail(callers: Shared[Entry, Outcome], error: Exception) -> None:
    """To each its own, caused by this: one that many raise would gather all their tracebacks."""
    for _, future in still_waiting(callers):
        future.set_exception(_caused_by(error))


def _caused_by(error: Exception) -> Exception:
    try:
        own = copy(error)
    except Exception:  # noqa: BLE001  # an error's own code: better shared than not told
        return error
    own.__cause__ = error
    return own


def leave(callers: Shared[Entry, Outcome]) -> None:
    """Whatever has happened, nobody is left waiting."""
    for _, future in callers:
        future.cancel()
