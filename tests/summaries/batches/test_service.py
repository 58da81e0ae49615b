"""What one submission's failure means for the next."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import InternalError, NotFoundError, ProblemError, UnavailableError
from app.core.idempotency import Once
from app.core.ids import new_id
from app.summaries.batches.places import BatchPlaces
from app.summaries.batches.service import BatchIntake, BatchTerms
from app.summaries.intake import Intake
from app.summaries.schemas import SummaryDraft

pytestmark = pytest.mark.unit


class SilentOnce:
    """Without a key there is nothing to claim."""

    async def claim(self, _session: AsyncSession) -> None:
        return

    def keep_nothing(self) -> None:
        return


def batch_of(*, places: int = 1, wait_seconds: float = 1) -> BatchIntake:
    async def admit() -> None:
        return

    def explain(error: Exception) -> ProblemError:
        return UnavailableError() if isinstance(error, OSError) else InternalError()

    kept, organization_id = BatchPlaces(places), new_id()
    terms = BatchTerms(lambda: kept.held(organization_id), admit, explain, lambda: False, wait_seconds)
    # Its session and its intake are not asked: every draft fails before.
    nobody: Any = None  # Any: as above
    return BatchIntake(
        cast("Intake", nobody), cast("Once", SilentOnce()), session=cast("AsyncSession", nobody), terms=terms
    )


def failing(error: Exception) -> Callable[[], Awaitable[SummaryDraft]]:
    async def make() -> SummaryDraft:
        raise error

    return make


async def codes(*errors: Exception) -> list[str]:
    async with batch_of().opened() as batch:
        taken = [await batch.take(str(index), failing(error)) for index, error in enumerate(errors)]
    return [each.code for each in taken if isinstance(each, ProblemError)]


async def test_a_failure_of_ours_is_its_items_own() -> None:
    assert await codes(RuntimeError("ours"), NotFoundError()) == ["internal_error", "not_found"]


async def test_without_a_database_nothing_more_is_tried() -> None:
    assert await codes(OSError("gone"), NotFoundError()) == ["unavailable", "unavailable"]


async def test_a_place_is_given_back_whatever_happened() -> None:
    batch = batch_of()
    for _ in range(3):
        with pytest.raises(NotFoundError):
            async with batch.opened():
                raise NotFoundError


async def test_who_finds_no_place_is_told_to_come_back() -> None:
    with pytest.raises(UnavailableError):
        async with batch_of(places=0, wait_seconds=0.01).opened():
            raise AssertionError("there is none")
