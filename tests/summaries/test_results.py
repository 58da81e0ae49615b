from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.reading.article import LONG, MEDIUM, Article, Length, LengthUnit, SummariseResult
from app.summaries.results import chosen_length, finished_values, storable
from tests.summaries.workbench import SUMMARY

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("options", "length"),
    [
        ({}, MEDIUM),
        ({"length": "long"}, LONG),
        ({"length": {"words": 30}}, Length(30)),
        ({"length": {"sentences": 3}}, Length(3, LengthUnit.SENTENCES)),
    ],
)
def test_length_is_what_was_asked_for(options: dict[str, object], length: Length) -> None:
    assert chosen_length(options) == length


def test_what_postgresql_refuses_is_replaced_one_for_one() -> None:
    assert storable("a\x00b\ud800c") == "a\ufffdb?c"


@pytest.mark.parametrize(
    ("published", "stored"),
    [
        (None, None),
        (datetime(2026, 1, 2, 3), datetime(2026, 1, 2, 3, tzinfo=UTC)),  # noqa: DTZ001  # as pages give it
        (
            datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 1, 2, 1, tzinfo=UTC),
        ),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9))), None),
    ],
)
def test_date_is_stored_in_utc(published: datetime | None, stored: datetime | None) -> None:
    result = SummariseResult(SUMMARY, low_content=False, from_description=False, milliseconds=1)
    assert finished_values(Article("text", published_at=published), result)["published_at"] == stored
