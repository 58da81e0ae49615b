from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.core.schemas import JsonBool, JsonInt, Moment, Page, RequestModel, ResponseModel, UtcDatetime
from app.routes import ROUTERS
from app.summaries.uploads.schemas import WrittenDraft

pytestmark = pytest.mark.unit


class Note(RequestModel):
    text: str
    tags: tuple[str, ...] = ()


class Choice(RequestModel):
    keep: JsonBool = True
    size: JsonInt | None = None


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
        ({"text": [1] * 10_001}, "too_many_values"),
        ({"text": [[1] * 6_000, [2] * 6_000]}, "too_many_values"),
        (dict.fromkeys(map(str, range(10_001))), "too_many_values"),
        ({"text": [1] * 9_000}, "string_type"),
    ],
)
def test_request_is_refused(body: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Note.model_validate(body)
    assert caught.value.errors()[0]["type"] == rule


@pytest.mark.parametrize("value", ["2030", "20300101", "1.5e9", " -5", 1893456000, 1.5, "2030-01-01", "soon"])
def test_a_time_is_neither_a_number_nor_a_day(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_python(value)


@pytest.mark.parametrize("value", ["2030-01-31T12:00:00Z", "2030-01-31T14:00:00.000+02:00"])
def test_a_time_that_comes_in_is_in_utc(value: str) -> None:
    assert TypeAdapter(Moment).validate_python(value) == datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [{"keep": "no"}, {"keep": 0}, {"keep": None}, {"size": True}, {"size": "5"}, {"size": 5.5}],
)
def test_a_value_of_another_json_type_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Choice.model_validate(body)


def test_every_body_takes_only_booleans_and_numbers_of_json(subtests: pytest.Subtests) -> None:
    models = [model for model in descendants(RequestModel) if model.__module__.startswith("app.")]
    assert ROUTERS, "whose import knows of every body"
    for model in models:
        if model.__module__ != WrittenDraft.__module__:
            with subtests.test(model.__qualname__):
                assert list(lax(model.__pydantic_core_schema__)) == []


def descendants(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from descendants(child)


def lax(schema: Any) -> Iterator[str]:  # Any: pydantic's core schema
    """The types in a core schema that would read a number or a boolean from something else."""
    if isinstance(schema, dict):
        if schema.get("type") in ("bool", "int", "float") and not schema.get("strict"):
            yield schema["type"]
        for part in schema.values():
            yield from lax(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from lax(part)


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
