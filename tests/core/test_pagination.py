"""Keyset pages: every row exactly once, cursors that cannot be crafted, other styles refused."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import DateTime, create_engine, select
from sqlalchemy.dialects import registry
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from app.core.page_query import PageQuery
from app.core.pagination import CursorCodec, InvalidCursorError, Keyset, PageRequest, Pagination

pytestmark = pytest.mark.unit

CODEC = CursorCodec("secret")
NOW = datetime(2026, 11, 21, 4, 5, 6, 789, tzinfo=UTC)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int]
    key: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    title: Mapped[str | None]


NEWEST = Keyset("newest", (Note.created_at, Note.key))
BY_RANK = Keyset("rank", (Note.rank, Note.id))
RISING = Keyset("rising", (Note.rank, Note.id), descending=False)


def pagination(
    keyset: Keyset = BY_RANK,
    filters: Mapping[str, object] = MappingProxyType({}),
    *,
    cursor: str | None = None,
    limit: int = 3,
) -> Pagination:
    return Pagination(CODEC, keyset, PageRequest(limit=limit, cursor=cursor), filters)


def next_cursor(keyset: Keyset = BY_RANK, **filters: object) -> str:
    rows = [Note(id=number, rank=number, key=uuid4(), created_at=NOW) for number in range(4)]
    cursor = pagination(keyset, filters).page(rows).next_cursor
    assert cursor
    return cursor


def refused(cursor: str, keyset: Keyset = BY_RANK, **filters: object) -> None:
    with pytest.raises(InvalidCursorError) as caught:
        pagination(keyset, filters, cursor=cursor).apply(select(Note))
    assert caught.value.status == 422


def test_every_single_changed_character_of_a_cursor_is_refused() -> None:
    cursor = next_cursor()
    for position in range(len(cursor)):
        other = "A" if cursor[position] != "A" else "B"
        refused(cursor[:position] + other + cursor[position + 1 :])


def test_cursor_of_another_list_filter_tenant_or_service_is_refused() -> None:
    refused(next_cursor(), RISING)
    refused(next_cursor(status="ready"), status="failed")
    refused(next_cursor(organization_id=UUID(int=1)), organization_id=UUID(int=2))
    refused(CursorCodec("other").encode((1, 2), scope="x"))


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{1,99}", fullmatch=True))
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    refused(text)


def test_oversized_cursor_is_refused() -> None:
    refused("A" * 1025)


def test_nullable_column_cannot_order_pages() -> None:
    with pytest.raises(TypeError, match="title"):
        Keyset("title", (Note.title, Note.id))


def test_position_of_another_length_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="zip"):
        BY_RANK.behind((1,))


@given(st.tuples(st.datetimes(timezones=st.just(UTC)), st.uuids(), st.integers(), st.text()))
def test_position_is_read_back_with_its_types(position: tuple[datetime, UUID, int, str]) -> None:
    if len(cursor := CODEC.encode(position, scope="s")) <= 1024:
        assert CODEC.decode(cursor, scope="s") == position


def test_page_without_an_extra_row_is_the_last() -> None:
    page = pagination().page([Note(id=1, rank=1)])
    assert (len(page.items), page.has_more, page.next_cursor) == (1, False, None)


def test_statement_compares_row_values_and_fetches_one_row_more() -> None:
    query = pagination(NEWEST, cursor=next_cursor(NEWEST)).apply(select(Note.id))
    sql = str(query.compile(dialect=registry.load("postgresql.asyncpg")()))
    assert "(notes.created_at, notes.key) < ($1::TIMESTAMP WITH TIME ZONE, $2::UUID)" in sql
    assert "ORDER BY notes.created_at DESC, notes.key DESC" in sql
    assert query.compile().params["param_3"] == 4


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        opened.add_all(
            Note(id=number, rank=number % 4, key=uuid4(), created_at=NOW + timedelta(hours=number % 5))
            for number in range(23)
        )
        opened.flush()
        yield opened
    engine.dispose()


@pytest.mark.parametrize("keyset", [BY_RANK, RISING], ids=lambda keyset: keyset.name)
@pytest.mark.parametrize("limit", [1, 5, 23, 100])
def test_pages_hold_every_row_once_in_order_despite_ties(
    session: Session, keyset: Keyset, limit: int
) -> None:
    seen: list[tuple[int, int]] = []
    cursor: str | None = None
    while cursor or not seen:
        request = pagination(keyset, cursor=cursor, limit=limit)
        page = request.page(session.scalars(request.apply(select(Note))).all())
        seen += [(note.rank, note.id) for note in page.items]
        cursor = page.next_cursor
    assert seen == sorted(seen, reverse=keyset.descending)
    assert len(set(seen)) == len(seen) == 23


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()

    @app.get("/notes")
    async def notes(page: PageQuery) -> tuple[int, str | None]:
        return page.limit, page.cursor

    return TestClient(app)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=x", "cursor=" + "a" * 1025])
def test_parameter_out_of_range_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/notes?{query}").status_code == 422


@pytest.mark.parametrize(
    ("query", "expected"), [("", [20, None]), ("limit=100", [100, None]), ("limit=1&cursor=x", [1, "x"])]
)
def test_limit_and_cursor_are_read(client: TestClient, query: str, expected: list[object]) -> None:
    assert client.get(f"/notes?{query}").json() == expected
