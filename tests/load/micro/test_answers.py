"""What an answer costs after its decision: headers, a line in the log, a body, a cursor."""

import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
import structlog
from pytest_benchmark.fixture import BenchmarkFixture

from app.core.cache import CachedBody, _from_frame, _to_frame
from app.core.limit_verdict import Verdict
from app.core.logging import configure_logging
from app.core.pagination import CursorCodec
from app.core.rate_limit_headers import rate_limit_values
from app.core.row_memory import RowMemory
from app.summaries.schemas import SummaryView
from tests.core.small_app import small_settings
from tests.core.test_rate_limit_headers import CREATE, ORGANIZATION

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
BODY = b'{"summary":"' + b"lorem ipsum " * 60 + b'"}'
LINE = {"method": "GET", "route": "/api/v1/summaries/{summary_id}", "status": 200, "ms": 0.4, "bytes": 1200}
VIEW = SummaryView.model_validate(
    dict.fromkeys(SummaryView.model_fields)
    | {"id": UUID(int=1), "url": "https://example.com/a", "title": "t", "status": "ready"}
    | {"summary": "lorem ipsum " * 60, "key_points": ["a", "b"], "low_content": False}
    | {"sentences": [{"text": "lorem ipsum", "start": 0, "end": 11}] * 5, "style": "paragraph"}
    | {"engine": "extractive", "tags": ["x"], "visibility": "private", "favourite": False, "archived": False}
    | {"created_at": NOW, "updated_at": NOW, "stages": {"fetching": 80, "extracting": 12}}
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Where a process of production would write; the former configuration is put back."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    configure_logging(small_settings(log_format="json", log_level="INFO"), stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_headers_of_two_limits(benchmark: BenchmarkFixture) -> None:
    assert benchmark(rate_limit_values, Verdict((ORGANIZATION, CREATE)), now=1000.9)


def test_line_in_the_log(benchmark: BenchmarkFixture, log: io.StringIO) -> None:
    benchmark(structlog.get_logger("app.access").info, "request", **LINE)
    assert '"status":200' in log.getvalue()


def test_body_from_the_cache(benchmark: BenchmarkFixture) -> None:
    entry = CachedBody(etag='"1"', owner=str(UUID(int=7)), visibility="private", body=BODY)
    assert benchmark(_from_frame, "fence", _to_frame("fence", entry)) == entry


def test_summary_as_json(benchmark: BenchmarkFixture) -> None:
    assert b"lorem" in benchmark(VIEW.__pydantic_serializer__.to_json, VIEW)


def test_twenty_items_that_are_remembered(benchmark: BenchmarkFixture) -> None:
    memory, states = RowMemory(), [f"{UUID(int=number)} 7" for number in range(20)]
    for state in states:
        memory.keep(state, BODY)
    assert benchmark(memory.recall, states) == [BODY] * 20


def test_cursor_that_is_made(benchmark: BenchmarkFixture) -> None:
    assert benchmark(CursorCodec("secret").encode, (NOW, UUID(int=1)), scope="summaries")


def test_cursor_that_is_read(benchmark: BenchmarkFixture) -> None:
    codec = CursorCodec("secret")
    cursor = codec.encode((NOW, UUID(int=1)), scope="summaries")
    assert benchmark(codec.decode, cursor, scope="summaries") == (NOW, UUID(int=1))
