from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request
from structlog.testing import capture_logs

from app.core.middleware import access_log
from app.core.principal import MembershipRole, Plan, Principal, StaffRole
from tests.core.small_app import configure_plain_logs, failing_app, get, post, small_app

pytestmark = pytest.mark.unit
SOMEONE = UUID(int=7)


@pytest.fixture
def lines() -> Iterator[list[Any]]:  # Any: log fields
    configure_plain_logs()
    with capture_logs() as captured:
        yield captured


async def line(lines: list[Any], app: FastAPI, path: str) -> dict[str, Any]:  # Any: log fields
    await get(app, path)
    found: dict[str, Any] = next(line for line in lines if line["event"] == "request")
    return found


async def test_line_names_the_template_and_never_the_query(lines: list[Any]) -> None:
    found = await line(lines, small_app(), "/api/v1/items/share-secret?name=hunter2")
    assert (found["method"], found["route"], found["status"]) == ("GET", "/api/v1/items/{item_id}", 200)
    assert found["bytes"] == len(b'{"id":"share-secret"}')
    assert "hunter2" not in str(found)
    assert "share-secret" not in str(found)


async def test_path_without_a_route_is_logged_shortened(lines: list[Any]) -> None:
    found = await line(lines, small_app(), "/" + "a" * 500)
    assert (found["route"], found["status"], found["code"]) == (None, 404, "not_found")
    assert len(found["path"]) == access_log.MAX_PATH_LENGTH


async def test_crash_is_logged_as_500(lines: list[Any]) -> None:
    found = await line(lines, failing_app(RuntimeError("boom")), "/fail")
    assert (found["status"], found["code"]) == (500, "internal_error")


async def test_refusal_by_middleware_is_logged(lines: list[Any]) -> None:
    await post(small_app(), "/api/v1/raw", content=b"a" * (1024 * 1024 + 1))
    assert [line["status"] for line in lines if line["event"] == "request"] == [413]


@pytest.mark.parametrize(("path", "level"), [("/ping", "debug"), ("/api/v1/items", "info")])
async def test_probes_are_logged_below_the_usual_level(lines: list[Any], path: str, level: str) -> None:
    assert (await line(lines, small_app(), path))["log_level"] == level


async def test_line_names_the_caller(lines: list[Any]) -> None:
    app = small_app()

    @app.get("/who")
    async def who(request: Request) -> None:
        request.state.principal = Principal(
            kind="user",
            user_id=SOMEONE,
            organization_id=SOMEONE,
            credential_id=SOMEONE,
            staff_role=StaffRole.USER,
            membership_role=MembershipRole.OWNER,
            plan=Plan.FREE,
            scopes=frozenset(),
        )

    found = await line(lines, app, "/who")
    assert (found["principal"], found["user_id"]) == ("user", str(SOMEONE))
