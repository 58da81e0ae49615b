from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from app.core.schemas import Page, RequestModel, ResponseModel, UtcDatetime

pytestmark = pytest.mark.unit


class Note(RequestModel):
    text: str
    tags: tuple[str, ...] = ()


class Seen(ResponseModel):
    at: UtcDatetime


@dataclass
class Row:
    at: datetime


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({"text": "a", "typo": 1}, "extra_forbidden"),
        ({"text": "\0"}, "forbidden_character"),
        ({"text": "a", "tags": ["b", "\0"]}, "forbidden_character"),
        ({"text": "\ud800"}, "forbidden_character"),
    ],
)
def test_request_is_refused(body: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Note.model_validate(body)
    assert caught.value.errors()[0]["type"] == rule


def test_request_keeps_its_spaces() -> None:
    assert Note(text=" a ").text == " a "


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001  # naive on purpose
        datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_time_in_an_answer_is_utc(moment: datetime) -> None:
    assert Seen.model_validate(Row(moment)).model_dump_json() == '{"at":"2026-01-02T03:04:05Z"}'


def test_page_has_its_three_members() -> None:
    page = Page[Seen](items=[], next_cursor=None, has_more=False)
    assert page.model_dump() == {"items": [], "next_cursor": None, "has_more": False}
