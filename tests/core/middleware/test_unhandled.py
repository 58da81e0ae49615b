import errno
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asyncpg.exceptions import CannotConnectNowError, ConnectionDoesNotExistError, TooManyConnectionsError
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from app.core.errors import NotFoundError
from app.core.middleware.unhandled import to_problem
from tests.core.small_app import configure_plain_logs, failing_app, get, problem, small_app

pytestmark = pytest.mark.unit


@pytest.fixture
def lines() -> Iterator[list[Any]]:  # Any: log fields
    configure_plain_logs()
    with capture_logs() as captured:
        yield captured


def database_error(sqlstate: str, *, lost: bool = False) -> DBAPIError:
    orig = Exception("INSERT INTO users VALUES ('hunter2')")
    orig.sqlstate = sqlstate  # type: ignore[attr-defined]  # as asyncpg's have it
    return DBAPIError("INSERT", {}, orig, connection_invalidated=lost)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("hunter2"), FileNotFoundError(errno.ENOENT, "hunter2"), database_error("42P01")],
    ids=["bug", "missing file", "missing table"],
)
async def test_unexpected_error_is_500_and_leaks_nothing(lines: list[Any], error: Exception) -> None:
    response = await get(failing_app(error), "/fail")
    assert (response.status_code, problem(response)["code"]) == (500, "internal_error")
    assert "hunter2" not in response.text
    logged = next(line for line in lines if line["event"] == "unhandled_error")
    assert logged["exc_info"] is error


@pytest.mark.parametrize(
    "error",
    [
        PoolTimeoutError(),
        ConnectionRefusedError(),
        TimeoutError(),
        socket.gaierror(),
        OSError("Multiple exceptions"),
        OSError(errno.EHOSTUNREACH, "no route"),
        OSError(errno.ENOSPC, "no space left for an upload's spool"),
        OSError(errno.EMFILE, "no descriptor left"),
        CannotConnectNowError("starting"),
        TooManyConnectionsError("full"),
        ConnectionDoesNotExistError("gone"),
        database_error("57014"),
        database_error("40P01"),
        database_error("25006"),
        database_error("", lost=True),
    ],
)
async def test_what_is_out_of_reach_or_used_up_is_503(lines: list[Any], error: Exception) -> None:
    response = await get(failing_app(error), "/fail")
    assert (response.status_code, problem(response)["code"]) == (503, "unavailable")
    assert response.headers["retry-after"] == "2"
    assert "unhandled_error" not in [line["event"] for line in lines]


async def test_nul_that_reached_the_database_is_422() -> None:
    response = await get(failing_app(database_error("22021")), "/fail")
    assert (response.status_code, problem(response)["code"]) == (422, "validation_failed")


def test_expected_errors_of_inner_middleware_keep_their_class() -> None:
    error = NotFoundError()
    assert to_problem(error, {}) is error
    assert to_problem(HTTPException(404), {}).code == "not_found"


async def test_half_an_answer_breaks_the_connection_instead_of_ending_well() -> None:
    app = small_app()

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            yield b"first"
            raise RuntimeError("boom")

        return StreamingResponse(stream())

    with pytest.raises(RuntimeError, match="boom"):
        await get(app, "/half")
